import MedullaSnapshot

/// What labels are about: the classes of a network, and what it is told of each flow.
package struct LabelSchema: Sendable, Equatable {
  /// By their places among the network's outputs.
  package let classes: [String]
  /// The network's inputs, in their order; with a scale, a request has the scaled value.
  package let features: [InputFeature]

  package init(classes: [String], features: [InputFeature]) {
    self.classes = classes
    self.features = features
  }
}
