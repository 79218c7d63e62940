import Foundation
import Logging
import MedullaBase
import MedullaDatapath
import MedullaLabels
import MedullaLearning
import MedullaModel
import MedullaRetraining
import Synchronization
import Testing

@testable import MedullaAdaptation

/// Foundation has another `Progress`.
typealias LabelRound = MedullaAdaptation.Progress

/// Flows of two classes, what they really are, and agents that say something of them.
final class FlowTruth: Sendable {
  private let classes = Mutex<[UInt64: Int]>([:])

  subscript(sample: UInt64) -> Int? { classes.withLock { $0[sample] } }
  func note(_ sample: UInt64, _ label: Int) { classes.withLock { $0[sample] = label } }
}

/// An agent that does what a test says.
final class ScriptedLabeler: LabelingAgent {
  let name: String
  private let act: ([LabelRequest]) throws -> [Label]
  private let counter = Mutex<[UInt64]>([])

  init(_ name: String, _ act: @escaping ([LabelRequest]) throws -> [Label]) {
    (self.name, self.act) = (name, act)
  }

  /// Samples that it was asked about.
  var asked: [UInt64] { counter.withLock { $0 } }

  func label(_ requests: [LabelRequest]) throws -> [Label] {
    counter.withLock { $0 += requests.map(\.sample) }
    return try act(requests)
  }

  /// Right, but for a share of errors that its seed draws.
  static func noisy(_ name: String, _ truth: FlowTruth, error: Double = 0, seed: UInt64 = 1)
    -> ScriptedLabeler
  {
    let generator = Mutex(SeededGenerator(seed: seed))
    return ScriptedLabeler(name) { requests in
      requests.map { request in
        let isWrong = generator.withLock { $0.chance(error) }
        return Label(
          sample: request.sample, agent: name, label: truth[request.sample].map { isWrong ? 1 - $0 : $0 })
      }
    }
  }
}

/// A `labels` adapter over flows that a test makes.
final class LabelsBench {
  static let schema = LabelSchema(
    classes: ["benign", "attack"],
    features: ["first", "second"].map { .init(name: $0, scale: .linear) }, hasFlow: false)

  let truth: FlowTruth
  let adapter: LabelsAdapter
  let keeper: Bookkeeper
  private var generator: SeededGenerator
  private(set) var nextSample: UInt64
  /// Under other conditions both classes lie where one lay before.
  var isOther = false
  var version: UInt64 = 1
  /// So many of a hundred flows the network is unsure of.
  var unsure = 0
  let answers = Answers()

  final class Answers: Sendable {
    private let all = Mutex<[UInt64: Int]>([:])
    subscript(flow: UInt64) -> Int? { all.withLock { $0[flow] } }
    var count: Int { all.withLock { $0.count } }
    func note(_ flow: UInt64, _ row: Int) { all.withLock { $0[flow] = row } }
  }

  /// - Parameter folder: of what outlives the adapter; nil: nothing does.
  init(
    _ agents: [any LabelingAgent], truth: FlowTruth, folder: String? = nil, seed: UInt64 = 3,
    firstSample: UInt64 = 1, seat: SeatSettings = .init(firstWait: .milliseconds(20)),
    change: (inout LabelSettings) -> Void = { _ in }
  ) throws {
    self.truth = truth
    generator = SeededGenerator(seed: seed)
    nextSample = firstSample
    var settings = LabelSettings(
      agents: agents.map { .init(name: $0.name, source: .rules(path: "/none")) },
      patience: .milliseconds(300))
    change(&settings)
    keeper = try Bookkeeper(path: folder.map { $0 + "/labels.journal" }, classes: 2)
    var seats: [AgentDesk.Place] = []
    for agent in agents { seats.append(.init(agent, seat, purse: keeper.purse(of: agent.name))) }
    let (network, past) = try Self.start()
    adapter = try LabelsAdapter(
      .init(
        network: network, past: past, schema: Self.schema, keeper: keeper, places: seats,
        path: folder.map { $0 + "/labels.json" },
        log: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() },
        reading: { sample, _ in
          LabelsAdapter.FlowFacts(
            flow: FlowEndpoints(
              source: [10, 0, 0, 1], destination: [10, 0, 0, 2], sourcePort: UInt16(sample.id % 60_000),
              destinationPort: 1, transport: 6),
            facts: [:], prediction: sample.outcomes[0] >= 0 ? Int(sample.outcomes[0]) : nil, margin: 1)
        }, answering: { [answers] flow, row in answers.note(flow, row) }),
      settings: settings)
  }

  /// Trained for the first conditions.
  static func start() throws -> (network: Network, past: [[Float]]) {
    var generator = SeededGenerator(seed: 17)
    let rows = (0..<300).map { place in
      TrainingRow(features: row(place % 2, isOther: false, &generator), label: place % 2)
    }
    let standardization = Standardization(rows.map(\.features))
    var meter = ComputeMeter()
    let network = try ClassifierTraining().train(
      DenseNetwork(widths: [2, 8, 2], activations: [.relu, .identity], seed: 1),
      rows: rows.map { TrainingRow(features: standardization.apply($0.features), label: $0.label) }, seed: 1,
      meter: &meter
    ).network
    return (try standardization.folded(into: network).network(name: "bench"), rows.map(\.features))
  }

  private static func row(_ label: Int, isOther: Bool, _ generator: inout SeededGenerator) -> [Float] {
    let center: Float = (label == 1 ? 3 : -3) + (isOther ? 6 : 0)
    return [center + Float(generator.normal()), Float(generator.normal()) + (isOther ? 4 : 0)]
  }

  /// Flows that the network as it stands decides.
  func batch(_ count: Int) throws -> Batch {
    let rows = (0..<count).map { Self.row($0 % 2, isOther: isOther, &generator) }
    let outputs = try adapter.evaluate(rows)
    var samples: [FunctionSample] = []
    for (place, (row, output)) in zip(rows, outputs).enumerated() {
      truth.note(nextSample, place % 2)
      let said = place % 100 < unsure ? -1 : output[1] > output[0] ? 1 : 0
      samples.append(
        FunctionSample(
          id: nextSample, nanoseconds: UInt64(MonotonicClock.now.nanoseconds), flow: nextSample + 1_000_000,
          version: version, features: row.map { Int64(Double($0) * 65_536) }, outputs: [0, 0],
          outcomes: [Int64(said)]))
      nextSample += 1
    }
    return Batch(samples: samples)
  }

  /// Gives the adapter flows, and then time until their labels have come and were taken.
  @discardableResult
  func run(_ count: Int, seconds: Double = 5) throws -> [LabelRound] {
    var told = [try adapter.adapt(batch(count))]
    let end = MonotonicClock.now + .seconds(seconds)
    while MonotonicClock.now < end {
      let progress = try adapter.adapt(Batch())
      told.append(progress)
      let waiting = keeper.book.flows.filter { adapter.waits(for: $0.sample) }.count
      if waiting == 0, !adapter.isBusy { break }
      usleep(5_000)
    }
    return told
  }
}

extension [LabelRound] {
  var retrains: [RetrainRecord] { flatMap(\.retrains) }
  var rewards: [RewardSample] { flatMap(\.rewards) }
}
