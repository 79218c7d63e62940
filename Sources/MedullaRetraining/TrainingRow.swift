/// A flow with its label, as training takes it.
package struct TrainingRow: Sendable, Equatable, Codable {
  /// The network's inputs in their units.
  package let features: [Float]
  /// The class, by its place among the network's outputs.
  package let label: Int
  /// How much it counts; a label that agents are unsure of counts less.
  package let weight: Float

  package init(features: [Float], label: Int, weight: Float = 1) {
    self.features = features
    self.label = label
    self.weight = weight
  }
}
