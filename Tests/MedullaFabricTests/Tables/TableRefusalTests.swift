import InferenceCases
import MedullaBase
import MedullaFabric
import MedullaModel
import MedullaSnapshot
import Testing

@Suite("What tables refuse")
struct TableRefusalTests {
  private static let seed: UInt64 = 24

  private static func error(
    _ snapshot: Snapshot, _ samples: [[Int64]], _ options: FuzzyTableOptions = FuzzyTableOptions()
  ) -> FabricError? {
    #expect(throws: FabricError.self) {
      try FuzzyTables(snapshot, samples: samples, options: options)
    }
  }

  @Test(
    "steps that are no dense layer, by name",
    arguments: [
      ("maxpool", "(pool)"), ("softmax", "(softmax)"), ("classifier", "(pad)"),
      ("rearrange", "no dense layer"),
    ])
  func steps(family: String, part: String) throws {
    var random = SeededGenerator(seed: Self.seed)
    let make = try #require(NetworkCases.families.first { $0.name == family }?.make)
    try Self.check(make(&random), part, using: &random)
  }

  @Test("convolutions, by name")
  func convolution() throws {
    var random = SeededGenerator(seed: Self.seed)
    let convolution = Convolution(
      inputChannels: 1, outputChannels: 2, kernel: Extent(height: 2, width: 2), weights: random.floats(8),
      bias: random.floats(2))
    let network = try Network(
      name: "convolution", inputShape: TensorShape([1, 4, 4]),
      layers: [
        .convolution(convolution), .activation(.relu),
        .rearrange(Rearrangement(indices: Array(0..<18), shape: TensorShape([18]))),
        NetworkCases.layer(18, 3, &random),
      ])
    try Self.check(network, "step 0 (convolution)", using: &random)
  }

  private static func check(
    _ network: Network, _ part: String, using random: inout SeededGenerator
  ) throws {
    let samples = (0..<8).map { _ in random.floats(network.inputShape.count) }
    let example = try TableExample(network.name, network, samples, samples)
    let error = Self.error(example.snapshot, example.samples)
    #expect(
      error?.code == .badNetwork && error?.message.contains(part) == true, "\(String(describing: error))")
    #expect(error?.remedy.isEmpty == false)
  }

  @Test("samples that are none, or not the network's")
  func samples() throws {
    let example = try TableExample.drawn([4, 3, 2], samples: 20, seed: Self.seed)
    #expect(Self.error(example.snapshot, [])?.code == .badInput)
    let error = Self.error(example.snapshot, example.samples + [[1, 2, 3]])
    #expect(error?.code == .badInput && error?.message.hasPrefix("sample 20 has 3 values") == true)
  }

  @Test("options out of their ranges, by name")
  func options() throws {
    let example = try TableExample.drawn([4, 3, 2], samples: 20, seed: Self.seed)
    let cases: [(FuzzyTableOptions, String)] = [
      (FuzzyTableOptions(groupSize: 0), "the group size: 0"),
      (FuzzyTableOptions(groupSize: 9), "the group size: 9"), (FuzzyTableOptions(leaves: 0), "leaves: 0"),
      (FuzzyTableOptions(sumBits: 7), "the bits of sums: 7"),
      (FuzzyTableOptions(sumBits: 63), "the bits of sums: 63"),
      (FuzzyTableOptions(keyBits: 0), "the bits of keys: 0"),
      (FuzzyTableOptions(refinedLayers: -1), "refined layers: -1"),
      (FuzzyTableOptions(prior: -1), "a prior of -1.0 samples"),
      (FuzzyTableOptions(prior: .nan), "a prior of nan samples"),
      (FuzzyTableOptions(leastSamples: -1), "the least number of samples: -1"),
    ]
    for (options, message) in cases {
      let error = Self.error(example.snapshot, example.samples, options)
      #expect(error?.code == .badInput && error?.message == message && error?.remedy.isEmpty == false)
    }
  }
}
