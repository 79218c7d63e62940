import Foundation
import MedullaAdaptation
import MedullaBase
import MedullaClassification
import MedullaControl
import MedullaFlows
import MedullaLabels
import MedullaLearning
import MedullaSnapshot
import TestbedCaptures

/// What a daemon's history says of a stream whose truth is known.
struct PacketScores {
  private typealias Own = CaravanPackets

  private let archive: HistoryArchive
  private let function: String

  init(state: String, function: String) throws {
    archive = try HistoryArchive(directory: state)
    self.function = function
  }

  /// - Parameters:
  ///   - truth: of each flow.
  ///   - frozen: the network that the stream began with.
  ///   - margin: below it a flow is unsure.
  func reading(
    truth: [FlowKey: Int], frozen: Snapshot, large: DenseNetwork, margin: Double
  ) throws -> Reading {
    var (labels, said, unsure) = ([Int](), [Int?](), [Int]())
    var (larger, first, cascaded) = ([Int?](), [Int?](), [Int?]())
    var seen: Set<FlowKey> = []
    let interpreter = ReferenceInterpreter(frozen)
    for decision in try archive.decisions(DecisionQuery(function: function)) {
      guard let outcome = ClassifierOutcome(decision.outcomes), let key = Self.key(of: outcome),
        let label = truth[key], seen.insert(key).inserted
      else { continue }
      let unit = Double(sign: .plus, exponent: -decision.featureFractionBits, significand: 1)
      let asked = ApplicationNetwork.largest(large(decision.features.map { Float(Double($0) * unit) }))
      let outputs = interpreter.run(features: decision.features)
      if outcome.row == nil { unsure.append(labels.count) }
      labels.append(label)
      said.append(outcome.row ?? asked)
      larger.append(asked)
      first.append(ApplicationNetwork.largest(outputs))
      let isSure = Self.margin(outputs, bits: frozen.shape.outputFractionBits) >= margin
      cascaded.append(isSure ? first[first.count - 1] : asked)
    }
    // Answers are counted, not named: the last flows are taken to have got none.
    let answered = Int(try figure("answered") ?? 0)
    for place in unsure.dropFirst(answered) { said[place] = nil }
    let classes = PacketClasses.all.count
    func score(_ some: [Int?]) -> Double { ClassScores(labels, some, classes: classes).macro }
    let (ours, large, alone) = (score(said), score(larger), score(first))
    var reading = Reading([
      Own.flows: Double(labels.count),
      Own.kernelShare: 1 - Double(unsure.count) / Double(max(labels.count, 1)),
      Own.f1: ours, Own.largeF1: large, Own.frozenF1: alone, Own.frozenCascadeF1: score(cascaded),
      Own.loss: large - ours, Own.gain: ours - alone,
      Own.unanswered: Double(max(unsure.count - answered, 0)) / Double(max(unsure.count, 1)),
    ])
    for (name, some) in [("right", said), ("large_right", larger), ("frozen_right", first)] {
      reading.series[name] = zip(labels, some).map { $0 == $1 ? 1 : 0 }
    }
    reading.series["truth"] = labels.map(Double.init)
    try noteUpdates(&reading)
    return reading
  }

  static func key(of outcome: ClassifierOutcome) -> FlowKey? {
    FlowKey(
      FlowEndpoints(
        source: outcome.source, destination: outcome.destination, sourcePort: outcome.sourcePort,
        destinationPort: outcome.destinationPort, transport: outcome.transport))
  }

  private static func margin(_ outputs: [Int64], bits: Int) -> Double {
    let sorted = outputs.sorted(by: >)
    guard sorted.count > 1 else { return 0 }
    return Double(sorted[0] - sorted[1]) / Double(Int64(1) << Int64(bits))
  }

  private func records(_ kind: String) throws -> [StoredRecord] {
    try archive.history(ControlRequest(.history, function: function, kind: kind, limit: 100_000)).records
  }

  private func figure(_ name: String) throws -> Double? {
    guard case .progress(let progress)? = try records("progress").last?.record else { return nil }
    return progress.figures[name]
  }

  func trainings() throws -> Double {
    Double(
      try records("retrain").count { stored in
        guard case .retrain(let record) = stored.record else { return false }
        return record.outcome == .trained
      })
  }

  /// What was trained, and when it became active.
  private func noteUpdates(_ reading: inout Reading) throws {
    let promotions = try records("promotion").map(\.time)
    var trained: [(time: Double, seconds: Double)] = []
    for stored in try records("retrain") {
      guard case .retrain(let record) = stored.record, record.outcome == .trained else { continue }
      trained.append((stored.time, record.figures["training_seconds"] ?? 0))
    }
    reading[Own.retrains] = Double(trained.count)
    reading[Own.promotions] = Double(promotions.count)
    reading[Own.rollbacks] = Double(try records("rollback").count)
    let latencies = trained.compactMap { one in
      promotions.first { $0 >= one.time }.map { $0 - one.time + one.seconds }
    }
    reading[Own.latency] = latencies.max()
    reading.series["latencies"] = latencies
    reading.series["training_seconds"] = trained.map(\.seconds)
  }
}
