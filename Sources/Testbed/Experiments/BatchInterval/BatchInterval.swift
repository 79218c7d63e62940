import Foundation
import MedullaDatapath
import MedullaSnapshot
import TestbedLink
import TestbedMeasures
import TestbedWorkload

/// What the batch interval costs, and whether it slows flows down: the study `fig14`.
enum BatchInterval {
  /// As the configuration writes them, and none: no daemon.
  static let intervals = Axis(
    "intervals", "interval", [none, "1ms", "10ms", "100ms", "1s", "10s"], "Batch intervals, and `none`."
  ).titled { $0 == none ? "no daemon" : "T = \($0)" }
  private static let none = "none"
  private static let flows = Setting("flows", 10, .atLeast, in: 1...100, "Concurrent flows.")

  static let softirq = Metric("softirq", "softirq, all processors", "%", places: 2)
  private static let daemon = Metric("daemon", "daemon, all processors", "%", places: 2)
  static let single = Metric("single_mbps", "one flow", "Mbit/s", places: 1)
  static let samples = Metric("samples", "samples", places: 0)
  private static let samplesDropped = Metric("samples_dropped", "samples dropped", places: 0)

  private static func measure(
    _ interval: String, _ round: Int, _ plan: StudyPlan, bundle: String, _ executable: String
  ) throws -> Reading {
    let instance = try ExperimentInstance("bat", snapshot: DatapathSnapshot(SnapshotBundle.open(bundle)))
    defer { instance.detach() }
    var slowPath: SlowPath?
    defer { slowPath?.stop() }
    if interval != none {
      var settings = SlowPath.Settings()
      settings.interval = interval
      // The cost of learning itself is its own and grows with nothing here.
      settings.adapter = ["kind: simulator", "steps: 512"]
      let daemon = try SlowPath(
        name: instance.name, bundle: bundle, settings: settings, executable: executable)
      slowPath = daemon
      try daemon.start()
    }
    var reading = try concurrent(instance, slowPath, plan, round, executable)
    let one = try BulkTrial.measure(
      plan.cell, congestion: instance.congestion, seconds: plan.seconds, warmUp: plan.warmUp,
      seed: plan.seed(round: round), executable: executable)
    try slowPath?.requireAlive()
    reading[single] = one[FlowMetrics.goodput]
    reading.faults += one.faults
    return reading
  }

  /// The concurrent flows, and the processors' time after the warm-up.
  private static func concurrent(
    _ instance: ExperimentInstance, _ slowPath: SlowPath?, _ plan: StudyPlan, _ round: Int,
    _ executable: String
  ) throws -> Reading {
    let link = plan.cell.link(seed: plan.seed(round: round))
    return try LinkEmulator.with(link, executable: executable) { link in
      let transfer = try Transfer(
        .init(congestion: instance.congestion, flows: plan[flows], seconds: plan.seconds + 1), over: link)
      defer { transfer.end() }
      try Interruption.sleep(.seconds(plan.warmUp))
      let processes = slowPath?.identifier.map { ["daemon": $0] } ?? [:]
      let (meter, before) = (try ProcessorMeter(processes), try instance.status())
      try Interruption.sleep(.seconds(plan.seconds - plan.warmUp))
      let (shares, after) = (try meter.read(), try instance.status())
      let result = try transfer.finish()
      let report = try link.stop()
      return Reading(
        [
          softirq: shares.softirq * 100, daemon: (shares.processes["daemon"] ?? 0) * 100,
          FlowMetrics.busy: shares.busy,
          FlowMetrics.goodput: result.goodput(from: Double(plan.warmUp), to: Double(plan.seconds)) / 1e6,
          samples: Double(after.samples &- before.samples),
          samplesDropped: Double(after.samplesDropped &- before.samplesDropped),
        ], faults: report.fellBehind ? [Reading.late] : [])
    }
  }

  /// The intervals that a slow path usually has.
  static let usual = ["100ms", "1s"]

  private static let figures = usual.flatMap { interval in
    [
      Figure.difference(
        "T = \(interval): softirq above none (points)", softirq, intervals(interval), less: intervals(none)),
      .ratio("T = \(interval): softirq over none", softirq, intervals(interval), over: intervals(none)),
      .ratio(
        "T = \(interval): goodput of one flow over none", single, intervals(interval), over: intervals(none)),
    ]
  }

  static let fig14 = Study(
    "fig14", "Vary the batch interval; see what it costs and what flows get.",
    discussion: """
      For each interval the daemon runs beside concurrent flows, whose softirq time is read, and beside a \
      single flow, whose goodput is. Needs root; twelve minutes, --quick one.
      """,
    method: """
      For each batch interval T, and without the daemon: concurrent iperf3 flows over an emulated link, and \
      meanwhile the share of softirq in all processors' time (/proc/stat, as mpstat reads it) and the \
      daemon's own (/proc/PID/stat); then the goodput of a single flow. Every decision is sampled. The \
      daemon runs the native adapter at low priority: most of its share is learning; softirq and goodput are \
      what collecting batches does to the flows.
      """,
    paper: PaperFigure(
      "Figure 14, §5.1",
      "With T of 100 to 1000 ms softirq takes at most about 14.1% of the processors' time, a kernel "
        + "congestion control about 12.6%; the goodput of a flow is not compromised."),
    keys: [
      intervals, flows, Common.rateMbps.with(200), Common.rttMs.with(10), Common.bufferBdp.with(2),
      Common.seconds, Common.warmUp.with(3), Common.repeats.with(5),
    ],
    quick: { plan in
      plan[intervals] = [none, "1ms", "100ms"]
      (plan[Common.seconds], plan[Common.warmUp], plan[Common.repeats]) = (6, 2, 1)
    }, cells: { [StudyCell].one.times(intervals, $0) },
    check: { try $0.cell.link(seed: 1).validate() },
    course: .trials(.shuffled) { plan, context in
      let scratch = try ScratchDirectory("fig14")
      let bundle = scratch.path("aurora.medulla")
      let executable = SlowPath.resolve(context.executable)
      try ShippedNetwork.compile(from: context.models, to: bundle, executable: executable)
      return { cell, round in
        try withExtendedLifetime(scratch) {
          try measure(cell[intervals], round, plan, bundle: bundle, executable)
        }
      }
    },
    metrics: [softirq, daemon, single, FlowMetrics.goodput, samples, samplesDropped], figures: figures,
    bounds: usual.flatMap { interval in
      [
        // 14.1 over 12.6%.
        Bound("T = \(interval): softirq over none", .atMost(1.12), .paper("§5.1"), by: .interval),
        Bound("T = \(interval): goodput of one flow over none", .atLeast(0.97), .ours, by: .interval),
        // A daemon that collects nothing costs nothing.
        Bound(each: samples, intervals(interval), to: .atLeast(1), .ours),
      ]
    },
    plots: [
      .bars("Softirq's share of all processors' time under the concurrent flows", softirq, mark: .dots),
      .bars("The daemon's share", daemon, mark: .dots), .bars("Goodput of one flow", single, mark: .dots),
    ])
}
