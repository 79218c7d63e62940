/// What a person says of a flow that was decided.
package struct GivenLabel: Sendable, Equatable {
  package let sample: UInt64
  /// In the network's units.
  package let features: [Float]
  /// The place of the network's largest output.
  package let prediction: Int
  /// The class, by its name.
  package let label: String

  package init(sample: UInt64, features: [Float], prediction: Int, label: String) {
    (self.sample, self.features, self.prediction, self.label) = (sample, features, prediction, label)
  }
}
