import MedullaBase
import MedullaFabric
import MedullaModel
import MedullaSnapshot
import Testing

@Suite("Tables with a leaf for every value")
struct ExactTableTests {
  private static let seed: UInt64 = 21

  /// Nothing is rounded, and every leaf is of one value.
  private static func options(group: Int, refined: Int = 0) -> FuzzyTableOptions {
    FuzzyTableOptions(
      groupSize: group, leaves: 256, sumBits: 62, keyBits: 62, refinedLayers: refined, leastSamples: 0)
  }

  private static let functions: [Activation] = [
    .relu, .tanh, .sigmoid, .clip(minimum: -0.3, maximum: 0.7), .leakyRelu(slope: 0.1),
    .hardSigmoid(alpha: 0.2, beta: 0.5),
  ]

  @Test("give the bits of the integer network", arguments: [QuantizationScheme.w8a8, .w8a16, .w16a16])
  func bits(scheme: QuantizationScheme) throws {
    var random = SeededGenerator(seed: Self.seed)
    var differences = 0
    for round in 0..<24 {
      let function = Self.functions[round % Self.functions.count]
      let example = try TableExample.tiny(function, scheme: scheme, using: &random)
      for group in [1, 2, 3] {
        for refined in [0, Int.max] {
          let tables = try FuzzyTables(
            example.snapshot, samples: example.samples,
            options: Self.options(group: group, refined: refined))
          for features in example.samples {
            #expect(
              tables.run(features: features) == example.reference.run(features: features),
              "seed \(Self.seed), round \(round), \(scheme), groups of \(group), \(refined) refined")
          }
        }
      }
      // With one leaf they must not: else the tests above see nothing.
      let coarse = try FuzzyTables(
        example.snapshot, samples: example.samples,
        options: FuzzyTableOptions(groupSize: 1, leaves: 1, sumBits: 62))
      differences += example.samples.count {
        coarse.run(features: $0) != example.reference.run(features: $0)
      }
    }
    #expect(differences > 100, "seed \(Self.seed)")
  }

  @Test("give the bits of functions, rearrangements and an argmax at the end, too")
  func ends() throws {
    let seed: UInt64 = 25
    var random = SeededGenerator(seed: seed)
    let turned = Layer.rearrange(Rearrangement(indices: [1, 0, 1], shape: TensorShape([3])))
    let ends: [[Layer]] = [
      [.activation(.relu)], [.activation(.clip(minimum: -0.2, maximum: 0.3))], [.activation(.tanh)],
      [.activation(.leakyRelu(slope: 0.2))], [turned], [.activation(.sigmoid), turned], [.argmax],
      [turned, .activation(.tanh), .activation(.relu)],
    ]
    for (number, end) in ends.enumerated() {
      for group in [1, 2] {
        let example = try TableExample.tiny(.relu, end: end, scheme: .w8a16, using: &random)
        let tables = try FuzzyTables(
          example.snapshot, samples: example.samples, options: Self.options(group: group))
        for features in example.samples {
          #expect(
            tables.run(features: features) == example.reference.run(features: features),
            "seed \(seed), end \(number), groups of \(group)")
        }
      }
    }
  }

  @Test("need as many leaves as a group has values, and no more")
  func leaves() throws {
    var random = SeededGenerator(seed: Self.seed)
    for _ in 0..<8 {
      let example = try TableExample.tiny(.relu, scheme: .w8a16, using: &random)
      let tables = try FuzzyTables(
        example.snapshot, samples: example.samples, options: Self.options(group: 2))
      for table in tables.layers[0].tables {
        let values = Set(example.samples.map { sample in table.sources.map { sample[$0] } })
        #expect(table.tree.leaves == values.count && table.error == 0, "seed \(Self.seed)")
      }
    }
  }
}
