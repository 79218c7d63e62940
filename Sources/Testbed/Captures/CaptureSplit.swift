import MedullaBase

/// Groups of captures parted for training and for judging, so that each category is in both about as it
/// should.
///
/// By iterative stratification (Sechidis, Tsoumakas and Vlahavas, 2011): the category with the fewest groups
/// left is dealt out first, each of its groups to the side that lacks it most.
package struct CaptureSplit: Equatable, Sendable {
  /// Places of groups.
  package private(set) var training: [Int] = []
  package private(set) var test: [Int] = []

  /// - Parameters:
  ///   - groups: the categories that each has flows of.
  ///   - share: of the groups of a category that is to be in the test.
  package init(_ groups: [Set<String>], test share: Double, seed: UInt64) {
    var generator = SeededGenerator(seed: seed)
    var left = Array(groups.indices).shuffled(using: &generator)
    var lacks = [[String: Double]](repeating: [:], count: 2)
    var spare = [Double(groups.count) * (1 - share), Double(groups.count) * share]
    for category in groups.joined() {
      lacks[0][category, default: 0] += 1 - share
      lacks[1][category, default: 0] += share
    }
    while !left.isEmpty {
      let counts = left.flatMap { groups[$0] }.reduce(into: [String: Int]()) { $0[$1, default: 0] += 1 }
      let rarest = counts.min { ($0.value, $0.key) < ($1.value, $1.key) }?.key
      let own = left.filter { group in rarest.map(groups[group].contains) ?? true }
      for group in own {
        let wanted = (0...1).map { side in (rarest.flatMap { lacks[side][$0] } ?? 0, spare[side]) }
        let side = wanted[1] > wanted[0] ? 1 : 0
        if side == 0 { training.append(group) } else { test.append(group) }
        for category in groups[group] { lacks[side][category, default: 0] -= 1 }
        spare[side] -= 1
      }
      left.removeAll { Set(own).contains($0) }
    }
    training.sort()
    test.sort()
  }
}
