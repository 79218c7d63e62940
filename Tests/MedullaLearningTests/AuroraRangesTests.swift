import MedullaModel
import Testing

@testable import MedullaLearning

@Suite("Training on given paths")
struct AuroraRangesTests {
  static let narrow = AuroraRanges(rate: 10e6...20e6, roundTrip: 0.02...0.03, buffer: 1...2)

  /// FNV-1a over 32-bit words or bytes.
  static func hash(_ words: some Sequence<UInt64>) -> UInt64 {
    words.reduce(0xCBF2_9CE4_8422_2325) { ($0 ^ $1) &* 0x100_0000_01B3 }
  }

  @Test("a seed gives the same bits again, and another one others")
  func repeats() throws {
    func bits(_ change: UInt64) throws -> (UInt64, UInt64) {
      var options = AuroraTrainingTests.options()
      options.seed &+= change
      var training = try AuroraTraining(options: options)
      for _ in 0..<3 { _ = try training.advance() }
      let file = try ONNXWriter.data(training.network())
      return (
        Self.hash(training.policy.parameters.map { UInt64($0.bitPattern) }),
        Self.hash(file.map { UInt64($0) })
      )
    }
    let first = try bits(0)
    #expect(try bits(0) == first)
    #expect(try bits(1) != first)
  }

  @Test("every path of a part lies in its ranges")
  func drawn() throws {
    let scenarios = try AuroraScenarios(Self.narrow)
    for seed in 0..<500 as Range<UInt64> {
      let link = scenarios.scenario(seed: seed, decisions: 20).link
      #expect((9.999e6...20.001e6).contains(link.rate), "seed \(seed)")
      #expect(link.flows.count == 1 && link.loss == 0 && link.changes.isEmpty && link.crossRate == 0)
      #expect((0.0199...0.0301).contains(link.flows[0].roundTrip), "seed \(seed)")
    }
  }

  @Test("parts of a mixture come as often as they weigh")
  func weights() throws {
    let fast = AuroraRanges(rate: 100e6...200e6, roundTrip: 0.02...0.03, buffer: 1...2)
    let scenarios = try AuroraScenarios([.init(Self.narrow, weight: 1), .init(fast, weight: 3)])
    let fastOnes = (0..<2_000 as Range<UInt64>).count {
      scenarios.scenario(seed: $0, decisions: 20).link.rate > 50e6
    }
    #expect((1_400...1_600).contains(fastOnes))
  }

  @Test("ranges that make no sense are refused")
  func refusals() {
    let wrong: [(inout AuroraRanges) -> Void] = [
      { $0.rate = 0...1e6 }, { $0.roundTrip = 0...1 }, { $0.buffer = 0...1 }, { $0.lossChance = 1.5 },
      { $0.flowLimit = 0 }, { $0.cross = 0...1 }, { $0.change = 0...2 }, { $0.loss = 0...0.1 },
    ]
    for (index, change) in wrong.enumerated() {
      var ranges = Self.narrow
      change(&ranges)
      #expect(throws: LearningError.self, "case \(index)") { try AuroraScenarios(ranges) }
    }
    #expect(throws: LearningError.self) { try AuroraScenarios([]) }
    #expect(throws: LearningError.self) { try AuroraScenarios([.init(Self.narrow, weight: 0)]) }
  }

  @Test("a run from a trained network begins with that network, whatever its hidden layers")
  func start() throws {
    for widths in [[30, 32, 16, 1], [30, 8, 1], [30, 1]] {
      let activations: [DenseNetwork.Activation] = Array(repeating: .relu, count: widths.count - 2)
      let first = try DenseNetwork(widths: widths, activations: activations + [.identity], seed: 3)
      let network = try first.network(name: "start")
      let training = try AuroraTraining(
        options: AuroraTrainingTests.options(), scenarios: AuroraScenarios(Self.narrow), start: network)
      let again = try DenseNetwork(training.network())
      #expect(again.widths == widths)
      for (old, new) in zip(first.parameters, again.parameters) {
        #expect(abs(old - new) <= 2e-6 * max(1, abs(old)))
      }
    }
  }

  @Test("a network that is no congestion policy is refused as a start")
  func badStarts() throws {
    let wrong = [
      try DenseNetwork(widths: [29, 4, 1], activations: [.tanh, .identity], seed: 1),
      try DenseNetwork(widths: [30, 4, 3], activations: [.tanh, .identity], seed: 1),
      try DenseNetwork(widths: [30, 4, 1], activations: [.tanh, .tanh], seed: 1),
    ]
    for network in wrong {
      let start = try network.network(name: "wrong")
      #expect(throws: LearningError.self) {
        try AuroraTraining(options: AuroraTrainingTests.options(), start: start)
      }
    }
  }

  @Test("while the critic warms up the policy does not move; then it does")
  func warmUp() throws {
    var options = AuroraTrainingTests.options()
    options.criticRounds = 2
    var training = try AuroraTraining(options: options)
    let (policy, critic) = (training.policy, training.optimizer.critic)
    for _ in 0..<2 { _ = try training.advance() }
    #expect(training.policy == policy)
    #expect(training.optimizer.critic != critic)
    _ = try training.advance()
    #expect(training.policy != policy)
  }

  @Test("learning on one processor gives the same bits as on all")
  func processors() throws {
    func parameters() throws -> [Float] {
      var training = try AuroraTraining(options: AuroraTrainingTests.options())
      for _ in 0..<2 { _ = try training.advance() }
      return training.policy.parameters
    }
    let all = try parameters()
    #expect(try LearningProcessors.$areAllUsed.withValue(false) { try parameters() } == all)
  }

  @Test("a network of other layers cannot be trained natively, and the refusal names the layer")
  func otherLayers() throws {
    let network = try Network(
      name: "soft", inputShape: TensorShape([2]),
      layers: [.dense(Dense(inputs: 2, outputs: 2, weights: [1, 0, 0, 1], bias: [0, 0])), .softmax])
    let error = #expect(throws: LearningError.self) { try DenseNetwork(network) }
    #expect(error?.message.contains("layer 1") == true)
  }

  @Test("a network that is imported and exported again is the same to the bit")
  func identity() throws {
    let dense = try DenseNetwork(widths: [3, 5, 2], activations: [.tanh, .relu], seed: 4)
    #expect(try DenseNetwork(dense.network(name: "n")) == dense)
    let input: [Float] = [0.3, -2, 1.5]
    let outputs = try FloatReference(dense.network(name: "n")).run(input)
    for (old, new) in zip(dense(input), outputs) { #expect(abs(old - new) < 1e-5) }
  }
}
