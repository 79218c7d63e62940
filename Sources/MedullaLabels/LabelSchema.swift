import MedullaSnapshot

/// What labels are about: the classes of a network, and what it is told of each flow.
package struct LabelSchema: Sendable, Equatable {
  /// By their places among the network's outputs.
  package let classes: [String]
  /// The network's inputs, in their order; with a scale, a request has the scaled value.
  package let features: [InputFeature]
  /// What every request has among its `facts`.
  package let facts: Set<String>
  /// Whether every request has its flow's ends; rows of a table have none.
  package let hasFlow: Bool

  package init(
    classes: [String], features: [InputFeature], facts: Set<String> = [], hasFlow: Bool = true
  ) {
    self.classes = classes
    self.features = features
    self.facts = facts
    self.hasFlow = hasFlow
  }

  /// What a classifier's samples have beside their inputs, by the names of the features that they are.
  package static let classifierFacts: Set<String> = ["packets", "bytes"]

  /// The class's place; nil: there is none of that name.
  package func place(of label: String) -> Int? { classes.firstIndex(of: label) }
}

extension InputFeature {
  /// The feature that an input was made of, in the feature's unit.
  ///
  /// log₂(1 + x) is straight between powers of two: with 1 + x = m · 2^p, 1 ≤ m < 2, it is p + m − 1.
  /// Features are integers, so that the nearest one is taken: exact below 2^17 with sixteen fraction bits,
  /// above it less than x · 2^-16 too small.
  package func original(_ input: Double) -> Double {
    guard scale == .log2, input.isFinite, input > 0 else { return scale == .log2 ? 0 : input }
    let power = min(input.rounded(.down), 1_023)
    let whole = Double(sign: .plus, exponent: Int(power), significand: 1)
    return ((input - power + 1) * whole - 1).rounded()
  }
}
