/// How many are drawn of each stratum.
enum StratifiedDraw {
  /// Shares `total` out by the square roots of the strata's sizes, between shares by size, which would hardly
  /// see a rare class, and equal ones, whose weights would differ most. No stratum gets more than it has.
  ///
  /// - Parameter total: at most the sum of the sizes.
  /// - Returns: how many are expected of each; each is above 0 where the total is.
  static func allocation(_ total: Double, sizes: [Int]) -> [Double] {
    var shares = [Double](repeating: 0, count: sizes.count)
    var open = Set(sizes.indices.filter { sizes[$0] > 0 })
    var left = total
    // Each round fills at least one stratum, or is the last.
    while !open.isEmpty, left > 0 {
      let weight = open.sorted().reduce(0) { $0 + Double(sizes[$1]).squareRoot() }
      let full = open.filter { left * Double(sizes[$0]).squareRoot() / weight >= Double(sizes[$0]) }
      guard !full.isEmpty else {
        for index in open { shares[index] = left * Double(sizes[index]).squareRoot() / weight }
        break
      }
      for index in full.sorted() {
        shares[index] = Double(sizes[index])
        left -= Double(sizes[index])
      }
      open.subtract(full)
    }
    return shares
  }

  /// Whole numbers whose expectations are the shares, when `offset` is uniform in [0, 1): systematic sampling
  /// of their sums. Each is its share rounded down or up, and so is their sum.
  static func rounded(_ shares: [Double], by offset: Double) -> [Int] {
    var sum = 0.0
    var before = 0
    return shares.map { share in
      sum += share
      // A sum such as 2.9999999 is a 3 that was rounded.
      let nearest = sum.rounded()
      let value = abs(sum - nearest) < 1e-9 ? nearest : sum
      let next = Int((value + offset).rounded(.down))
      defer { before = next }
      return next - before
    }
  }
}
