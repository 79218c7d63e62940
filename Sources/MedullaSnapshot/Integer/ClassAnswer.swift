/// What a network's outputs say, where each is of a class: the first of the largest ones, and how far the
/// next one is behind.
package struct ClassAnswer: Sendable, Equatable {
  /// By its place among the outputs.
  package let row: Int
  /// In the outputs' fixed point; 0 for a single output.
  package let margin: Int64

  /// - Parameter outputs: in their fixed point; row 0 for none.
  package init(_ outputs: [Int64]) {
    guard let first = outputs.first else {
      (row, margin) = (0, 0)
      return
    }
    var (row, largest, second) = (0, first, Int64.min)
    for (index, output) in outputs.enumerated().dropFirst() {
      second = max(second, min(output, largest))
      if output > largest { (row, largest) = (index, output) }
    }
    self.row = row
    margin = outputs.count > 1 ? largest - second : 0
  }
}
