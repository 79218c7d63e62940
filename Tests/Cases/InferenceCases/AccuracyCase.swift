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
  /// here, unless `isUnequal`: then as in the suite, some a hundred times as large and some a hundredth.
  package static func examples(seed: UInt64, isUnequal: Bool = false) throws -> [AccuracyCase] {
    try InferenceCase.all(seed: seed).enumerated().map { index, example in
      var random = SeededGenerator(seed: seed + UInt64(index))
      return AccuracyCase(
        name: "example-\(index)-\(example.name)", network: example.network,
        scheme: example.snapshot.shape.scheme,
        samples: (0..<40).map { _ in
          let values = random.floats(example.network.inputShape.count, in: isUnequal ? -1...1 : -3...3)
          guard isUnequal else { return values }
          return values.enumerated().map { $1 * Float(InferenceCase.reach(of: $0)) }
        })
    }
  }
}
