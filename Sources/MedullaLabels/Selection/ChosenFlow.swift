/// Why labels of a flow are wanted.
package enum SelectionReason: String, Sendable, Codable, CaseIterable {
  /// By chance, so that what labels say of all flows is unbiased.
  case random
  /// The network was close to another answer.
  case margin
  /// Nothing like it is in the memory.
  case novelty
}

/// A flow that was chosen to be asked about.
package struct ChosenFlow: Sendable, Equatable, Codable {
  package let request: LabelRequest
  /// How probable it was that this flow is chosen of those it came with: the inverse is its weight in an
  /// estimate over all of them (Horvitz and Thompson, 1952). 1: it was chosen for sure.
  package let probability: Double
  package let reason: SelectionReason

  package init(_ request: LabelRequest, probability: Double, reason: SelectionReason) {
    self.request = request
    self.probability = probability
    self.reason = reason
  }
}
