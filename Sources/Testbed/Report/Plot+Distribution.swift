extension Plot {
  /// Most points of a drawn distribution.
  private static let distributionPoints = 400

  /// The share of values at or below each value, as steps would join them; thinned evenly.
  package static func distribution(_ values: [Double]) -> [Point] {
    let sorted = values.filter(\.isFinite).sorted()
    guard let first = sorted.first else { return [] }
    let step = max(1, sorted.count / distributionPoints)
    let ranks = Array(stride(from: 0, to: sorted.count, by: step)) + [sorted.count - 1]
    return [Point(first, 0)] + ranks.map { Point(sorted[$0], Double($0 + 1) / Double(sorted.count)) }
  }
}
