import Foundation
import MedullaDatapath
import MedullaSnapshot

/// The experiment `swap`: the snapshot is replaced while flows run at full load.
public struct SnapshotSwapExperiment: Experiment {
  public struct Plan: ExperimentPlan {
    public var flows = 10
    public var rateMbps = 200.0
    public var rttMs = 20.0
    /// Milliseconds between two swaps; an emptied slot is written again a second after it was retired.
    public var everyMs = 500
    public var seconds = 33
    public var warmUp = 3
    public var repeats = 5
    public var seed: UInt64 = 1

    public init() {}

    public static var quick: Plan {
      var plan = Plan()
      (plan.seconds, plan.warmUp, plan.repeats) = (10, 3, 1)
      return plan
    }

    /// Each round runs once with swaps and once without.
    public var runCount: Int { 2 * repeats }

    public var isComplete: Bool {
      let full = Plan()
      return flows >= full.flows && rateMbps >= full.rateMbps && everyMs <= full.everyMs
        && seconds - warmUp >= full.seconds - full.warmUp && repeats >= full.repeats
    }

    public func validate() throws {
      try require(
        (1...128).contains(flows) && (2...3600).contains(seconds) && (0..<seconds).contains(warmUp)
          && (200...60_000).contains(everyMs) && (1...100).contains(repeats),
        "The plan's flows, times or repeats are out of range.",
        remedy: "Use 1 to 128 flows, 200 ms or more between swaps, a shorter warm-up and 1 to 100 repeats.")
      try trial(round: 0).link.validate()
    }

    func trial(round: Int) -> FlowTrial {
      let cell = LinkCell(
        part: .fairness, rateMbps: rateMbps, rttMilliseconds: rttMs, bufferBdp: 2, loss: 0, flows: flows)
      return FlowTrial(
        link: cell.link(seed: seed &+ UInt64(round)), flows: flows, seconds: seconds, warmUp: warmUp)
    }
  }

  public struct Run: ExperimentRun {
    public var measures: FlowMeasures
    public var swaps: Int
    /// Of each call that replaced the snapshot, all of it.
    public var swapMs: Percentiles
    /// What left the bottleneck in the 100 ms after a swap over the 100 ms before, mean over swaps; without
    /// swaps at times that lie as far apart.
    public var afterOverBefore: Double
    /// The smallest of these ratios.
    public var leastAfterOverBefore: Double

    public var line: String {
      "\(swaps) swaps: \(measures.line), after over before \(decimal(afterOverBefore, 3)), "
        + "least \(decimal(leastAfterOverBefore, 3)), call \(decimal(swapMs.p50, 2)) ms"
    }
  }

  public static let facts = ExperimentFacts(
    name: "swap", title: "Replace the snapshot while ten flows run at full load.",
    discussion:
      "A swap every half second, and the same without. Needs root; seven minutes, --quick half one.",
    method: """
      Flow consistency is off: each swap changes what every flow runs at its next decision. The two \
      snapshots are of one network, calibrated on different samples. What left the bottleneck is counted by \
      the emulator in 10 ms bins; runs without swaps are cut at the same distances.
      """)

  private let plan: Plan
  private let context: ExperimentContext
  private let steering: Steering
  private let snapshots: [DatapathSnapshot]

  public init(_ plan: Plan, context: ExperimentContext) throws {
    (self.plan, self.context) = (plan, context)
    let shipped = try ShippedNetwork(directory: context.models)
    snapshots = try [shipped.second, shipped.first].enumerated().map {
      try DatapathSnapshot(SnapshotFile($0.element), name: "swap \($0.offset)")
    }
    var configuration = CongestionConfiguration()
    configuration.isConsistent = false
    steering = try Steering(
      .medulla, prefix: "swap", network: SteeringNetwork(models: context.models), configuration: configuration
    )
  }

  public func measure(_ take: (Run) throws -> Void) throws {
    for round in 0..<plan.repeats {
      for swapping in [false, true] { try take(run(swapping: swapping, round: round)) }
    }
  }

  private func run(swapping: Bool, round: Int) throws -> Run {
    var times: [UInt64] = []
    var calls: [Double] = []
    let trial = plan.trial(round: round)
    var outcome = try trial.run(steering, prefix: "swap", executable: context.executable) { steering in
      let count = (plan.seconds - plan.warmUp) * 1000 / plan.everyMs - 1
      let start = ContinuousClock.now
      for index in 1...max(count, 1) {
        try Interruption.sleep(start + .milliseconds(plan.everyMs * index) - ContinuousClock.now)
        times.append(monotonicNanoseconds())
        guard swapping else { continue }
        let begin = ContinuousClock.now
        try steering.update(snapshots[index % 2])
        calls.append((ContinuousClock.now - begin).inSeconds * 1e3)
      }
    }
    outcome.measures.round = round
    // A slot that is written again counts anew, so a sum over slots means nothing after swaps.
    if swapping { outcome.measures.inference = nil }
    let ratios = times.compactMap { outcome.report.deliveredAfterOverBefore($0, nanoseconds: 100_000_000) }
    return Run(
      measures: outcome.measures, swaps: calls.count, swapMs: Percentiles(calls),
      afterOverBefore: Statistics.mean(ratios), leastAfterOverBefore: ratios.min() ?? 0)
  }

  public static func judge(_ runs: [Run], _ plan: Plan) -> (rows: [VerdictRow], faults: [String]) {
    let (without, with) = (runs.filter { $0.swaps == 0 }, runs.filter { $0.swaps > 0 })
    func mean(_ runs: [Run], _ value: (Run) -> Double) -> Double? {
      runs.isEmpty ? nil : Statistics.mean(runs.map(value))
    }
    let rows = [
      VerdictRow("swaps", with.isEmpty ? nil : Double(with.reduce(0) { $0 + $1.swaps }), places: 0),
      VerdictRow("call that swaps: median (ms)", mean(with, \.swapMs.p50)),
      VerdictRow("call that swaps: p99 (ms)", mean(with, \.swapMs.p99)),
      VerdictRow(
        "goodput with swaps over without",
        ratio(mean(with, \.measures.goodputMbps), mean(without, \.measures.goodputMbps)), .atLeast(0.99)),
      VerdictRow("100 ms after over before, with swaps", mean(with, \.afterOverBefore), .atLeast(0.99)),
      VerdictRow("100 ms after over before, without", mean(without, \.afterOverBefore)),
      VerdictRow("least of them, with swaps", with.map(\.leastAfterOverBefore).min()),
      VerdictRow("least of them, without", without.map(\.leastAfterOverBefore).min()),
      VerdictRow(
        "retransmitted in a run, with swaps", mean(with) { Double($0.measures.retransmits) }, places: 1),
      VerdictRow(
        "retransmitted in a run, without", mean(without) { Double($0.measures.retransmits) }, places: 1),
      VerdictRow(
        "mean queue with swaps over without",
        ratio(mean(with, \.measures.queueMs.mean), mean(without, \.measures.queueMs.mean)), .atMost(1.1)),
    ]
    return (rows, runs.flatMap(\.measures.faults))
  }

  public static func plots(_ runs: [Run], _ plan: Plan) -> PlotSheet {
    let x = PlotAxis("", categories: ["without swaps", "a swap every \(plan.everyMs) ms"])
    func dots(_ title: String, _ unit: String, _ color: Int, _ value: (Run) -> Double) -> Plot {
      Plot(
        title, x: x, y: PlotAxis(unit),
        series: [
          Plot.Series(
            "", color: color, mark: .dots, points: runs.map { Plot.Point($0.swaps > 0 ? 1 : 0, value($0)) })
        ])
    }
    return PlotSheet([
      dots("Goodput of ten flows", "Mbit/s", 0, \.measures.goodputMbps),
      dots("Delivered in 100 ms after over before", "ratio", 1, \.afterOverBefore),
      dots("Mean wait in the queue", "ms", 2, \.measures.queueMs.mean),
    ])
  }
}

extension LinkReport {
  /// Bytes that left the bottleneck in a span after a time over those in the same span before; nil at the
  /// ends of the recording.
  func deliveredAfterOverBefore(_ time: UInt64, nanoseconds span: UInt64) -> Double? {
    let bins = forward.bins
    let width = max(bins.binNanoseconds, 1)
    guard let origin = forward.windows.first?.startNanoseconds, time >= origin else { return nil }
    let (middle, count) = (Int((time - origin) / width), Int(span / width))
    guard count > 0, middle >= count, middle + count <= bins.deliveredBytes.count else { return nil }
    let before = bins.deliveredBytes[middle - count..<middle].reduce(0, +)
    let after = bins.deliveredBytes[middle..<middle + count].reduce(0, +)
    return before > 0 ? Double(after) / Double(before) : nil
  }
}
