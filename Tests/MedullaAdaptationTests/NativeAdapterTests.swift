import MedullaDatapath
import MedullaLearning
import MedullaModel
import Testing

@testable import MedullaAdaptation
@testable import MedullaCongestionAdapter

@Suite("Native adapters")
struct NativeAdapterTests {
  static let regression = AdapterSettings.Supervised(targetScale: 1000, rate: 0.01, steps: 30)
  static let classification = AdapterSettings.Supervised(
    loss: .crossEntropy, target: 1, rate: 0.01, steps: 30)

  @Test("regression keeps the contract")
  func regression() throws {
    try AdapterContract.check(teach: LearningCases.labeled(batches: 12), lossFigure: "loss") {
      try SupervisedAdapter(network: LearningCases.network([2, 8, 1]), settings: Self.regression)
    }
  }

  @Test("classification keeps the contract, with a softmax at the end and without", arguments: [true, false])
  func classification(softmax: Bool) throws {
    try AdapterContract.check(teach: LearningCases.labeled(batches: 12), lossFigure: "loss") {
      try SupervisedAdapter(
        network: LearningCases.network([2, 8, 2], softmax: softmax), settings: Self.classification)
    }
  }

  @Test("congestion control keeps the contract")
  func congestion() throws {
    let teach = (0..<10).map {
      LearningCases.path(megabits: 20, milliseconds: 20, seed: UInt64($0))
    }
    try AdapterContract.check(teach: teach) {
      try CongestionAdapter(
        network: LearningCases.network([30, 16, 1], seed: 3), settings: .init(steps: 512, seed: 2))
    }
  }

  @Test("regression learns the difference of two features")
  func learns() throws {
    let adapter = try SupervisedAdapter(network: LearningCases.network([2, 8, 1]), settings: Self.regression)
    for batch in LearningCases.labeled(batches: 40) { _ = try adapter.adapt(batch) }
    for (input, expected) in [([0.5, -0.25], 0.75), ([-0.5, 0.5], -1), ([0.1, 0.1], 0)] as [([Float], Float)]
    {
      let output = try adapter.evaluate([input])[0][0]
      #expect(abs(output - expected) < 0.1)
    }
  }

  @Test("a closure gives labels that the samples do not have")
  func labeling() throws {
    let adapter = try SupervisedAdapter(
      network: LearningCases.network([2, 8, 1]), settings: .init(rate: 0.01, steps: 30)
    ) { sample in [Float(sample.features[0]) / 65536 * 2] }
    for var batch in LearningCases.labeled(batches: 40) {
      for index in batch.samples.indices { batch.samples[index].outcomes = [] }
      _ = try adapter.adapt(batch)
    }
    let output = try adapter.evaluate([[0.5, 0.9]])[0][0]
    #expect(abs(output - 1) < 0.15)
  }

  @Test("a label of the output that an outcome names teaches that output, and leaves the others as they are")
  func oneOutput() throws {
    let adapter = try SupervisedAdapter(
      network: LearningCases.network([2, 8, 2]),
      settings: .init(target: 0, targetScale: 65536, output: 1, rate: 0.01, steps: 30))
    let input: [[Float]] = [[0.5, 0.9]]
    let before = try adapter.evaluate(input)[0]
    for var batch in LearningCases.labeled(batches: 40) {
      // Three of the second output, and what is none or of no output.
      for index in batch.samples.indices {
        batch.samples[index].outcomes = [[3 << 16, 1], [3 << 16, 1], [3 << 16], [9 << 16, 2]][index % 4]
      }
      let progress = try adapter.adapt(batch)
      #expect(progress.figures["labeled"] == Double(batch.samples.count) / 2)
    }
    let after = try adapter.evaluate(input)[0]
    #expect(abs(after[1] - 3) < 0.1 && abs(after[1] - before[1]) > abs(after[0] - before[0]))
    #expect(throws: AdaptationError.self) {
      try SupervisedAdapter(
        network: LearningCases.network([2, 4, 2]), settings: .init(loss: .crossEntropy, output: 1))
    }
  }

  @Test("labels of no class, and samples without labels, are left out")
  func unlabeled() throws {
    let adapter = try SupervisedAdapter(
      network: LearningCases.network([2, 4, 2]), settings: Self.classification)
    var batch = LearningCases.labeled(batches: 1, samples: 4)[0]
    batch.samples[0].outcomes = [0, 7]
    batch.samples[1].outcomes = [0, -1]
    batch.samples[2].outcomes = []
    let progress = try adapter.adapt(batch)
    #expect(progress.figures["labeled"] == 1)
  }

  @Test("a sample of other sizes is refused with both numbers")
  func sizes() throws {
    let adapter = try SupervisedAdapter(network: LearningCases.network([3, 4, 1]), settings: Self.regression)
    let error = #expect(throws: AdaptationError.self) {
      try adapter.adapt(LearningCases.labeled(batches: 1)[0])
    }
    #expect(error?.code == .badBatch)
    #expect(error?.message.contains("2 features") == true)
  }

  @Test("networks that cannot be learned natively are refused when the adapter is made")
  func refusals() throws {
    #expect(throws: AdaptationError.self) {
      try SupervisedAdapter(network: LearningCases.network([2, 4, 1]), settings: Self.classification)
    }
    #expect(throws: AdaptationError.self) {
      try SupervisedAdapter(
        network: LearningCases.network([2, 4, 2], softmax: true), settings: Self.regression)
    }
    #expect(throws: AdaptationError.self) {
      try CongestionAdapter(network: LearningCases.network([29, 4, 1]))
    }
  }

  @Test("training that diverges is an error, and the network stays what it was")
  func divergence() throws {
    let adapter = try SupervisedAdapter(
      network: LearningCases.network([2, 4, 1]), settings: .init(rate: 1, steps: 200)
    ) { _ in [3e38] }
    let before = try adapter.evaluate([[0.5, 0.5]])
    #expect(throws: AdaptationError.self) { try adapter.adapt(LearningCases.labeled(batches: 1)[0]) }
    let after = try adapter.evaluate([[0.5, 0.5]])
    #expect(after == before)
  }

  @Test("the congestion adapter never hands down a policy that its trial says is worse than the start")
  func neverWorse() throws {
    let adapter = try CongestionAdapter(
      network: LearningCases.network([30, 16, 1], seed: 3), settings: .init(steps: 512, seed: 4))
    var best = -Double.infinity
    for round in 0..<8 {
      let progress = try adapter.adapt(
        LearningCases.path(megabits: 20, milliseconds: 20, seed: UInt64(round)))
      let reward = try #require(progress.figures["best_reward"])
      #expect(reward >= best)
      best = reward
    }
  }

  @Test("a single slow flow, with two samples in a batch, is learned from too; old samples are not")
  func fewSamples() throws {
    let whole = LearningCases.path(megabits: 20, milliseconds: 40, samples: 24, seed: 3).samples
    func batch(_ index: Int, gap: UInt64) -> [FunctionSample] {
      whole[(index * 2)..<(index * 2 + 2)].map { sample in
        var sample = sample
        sample.nanoseconds = UInt64(index) * gap
        return sample
      }
    }
    var gathering = SampleGathering()
    let soon = (0..<12).map { gathering.note(batch($0, gap: 100_000_000)) != nil }
    #expect(soon == [3, 7, 11].reduce(into: [Bool](repeating: false, count: 12)) { $0[$1] = true })
    gathering = SampleGathering()
    let rare = (0..<12).map { gathering.note(batch($0, gap: 4_000_000_000)) }
    #expect(rare.allSatisfy { $0 == nil })
    let adapter = try CongestionAdapter(
      network: LearningCases.network([30, 8, 1], seed: 3), settings: .init(steps: 128, seed: 4))
    let paths = try (0..<4).map {
      try adapter.adapt(Batch(samples: batch($0, gap: 100_000_000))).figures["paths"]
    }
    #expect(paths == [0, 0, 0, 1])
  }

  @Test("another path is noticed once two batches agree, and exploration begins anew")
  func change() throws {
    let adapter = try CongestionAdapter(
      network: LearningCases.network([30, 8, 1], seed: 3), settings: .init(steps: 512, seed: 4))
    func round(_ megabits: Double, _ seed: UInt64) throws -> [String: Double] {
      try adapter.adapt(LearningCases.path(megabits: megabits, milliseconds: 20, seed: seed)).figures
    }
    for seed in 0..<4 {
      let figures = try round(20, UInt64(seed))
      #expect(figures["changes"] == 1)
    }
    let first = try round(60, 9)
    #expect(first["changes"] == 1)
    let changed = try round(60, 10)
    #expect(changed["changes"] == 2)
    #expect(changed["paths"] == 2)
    #expect(try #require(changed["rate_high"]) > 50e6)
    #expect(try #require(changed["noise"]) > 0.3)
  }
}
