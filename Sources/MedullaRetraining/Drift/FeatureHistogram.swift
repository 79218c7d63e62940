/// How often a feature had which values, in bins of a reference's quantiles.
///
/// A value that occurs often has a bin of its own, so that a feature with few values is not blurred.
package struct FeatureHistogram: Sendable, Equatable, Codable {
  /// Ascending; bin i has the values from edge i−1 on, below edge i.
  package let edges: [Float]

  /// - Parameters:
  ///   - values: of the reference, in any order.
  ///   - bins: quantiles that are told apart, 2 to 256.
  package init(_ values: [Float], bins: Int) {
    let sorted = values.filter(\.isFinite).sorted()
    guard !sorted.isEmpty else {
      edges = []
      return
    }
    let steps = min(max(bins, 2), 256)
    var edges: Set<Float> = []
    for step in 0...steps {
      let value = sorted[min(sorted.count - 1, step * sorted.count / steps)]
      edges.insert(value)
      edges.insert(value.nextUp)
    }
    self.edges = edges.sorted()
  }

  package var bins: Int { edges.count + 1 }

  /// By bisection, so that a window costs a few comparisons a value and is never sorted.
  func bin(of value: Float) -> Int {
    var (low, high) = (0, edges.count)
    while low < high {
      let middle = (low + high) / 2
      if edges[middle] <= value { low = middle + 1 } else { high = middle }
    }
    return low
  }

  func counts(_ values: some Sequence<Float>) -> [Double] {
    var counts = [Double](repeating: 0, count: bins)
    for value in values where value.isFinite { counts[bin(of: value)] += 1 }
    return counts
  }
}
