import MedullaDatapath
import TestbedLink
import TestbedMeasures
import TestbedReport
import TestbedWorkload

/// Snapshots replaced under running flows, against the same flows left alone: the study `updates`.
enum Updates {
  static let updating = Axis("updating", "updating", [false, true], "Phases without and with updates.").titled
  {
    $0 ? "with updates" : "without updates"
  }
  static let updates = Setting("updates", 1_000, .atLeast, in: 1...100_000, "Updates in all.")
  static let flows = Setting("flows", 10, .atLeast, in: 1...100, "Flows that run.")
  static let pairs = Setting(
    "pairs", 10, .anything, in: 1...100, "Pairs of a phase without and a phase with updates, in turn.")
  /// A slot is written again one second after it was retired, and of the eight the first stays taken:
  /// iperf3's receiving ends select the congestion control too, and get no ACK at which they would follow.
  /// Seven slots allow fewer than six updates a second.
  static let pace = Setting("updates_per_second", 5.0, .anything, in: 0.1...5.99)
  static let snapshots = Setting("snapshots", 16, .anything, in: 2...64, "Different ones, put in by turns.")
  static let spread = Setting(
    "spread", 0.3, .atLeast, in: 0...0.9,
    "Outputs are scaled by factors from 1 less this to 1 and this, low ones and high ones by turns.")
  static let start = Setting("start_seconds", 8, .anything, in: 0...600, "Seconds that do not count.")

  /// Fewer do not tell the spread of phases, by which all is judged.
  static let leastPairs = 6

  static let made = Metric("updates", "updates", places: 0)
  static let waits = Metric("waits", "waits for a slot", places: 0)
  static let perMinute = Metric("retransmits_per_minute", "segments sent again a minute", places: 2)
  static let decision = Metric("decision_ns", "decision", "ns", places: 0)
  static let tail = Metric("decision_p99_ns", "decision, p99 over seconds", "ns", places: 0)
  /// LiteFlow updates where outputs differ by 5% of their range (§3.3, α); what differs by less is no update.
  static let change = Metric("action_change", "change of actions by an update, of their range")
  private static let leastChange = 0.05
  static let realTime = Metric("real_time_promotions", "promotions at real-time priority", places: 0)
  static let decisionSeries = "decision_ns"
  static let promotionSeries = "promotion_ms"

  static func updatesPerPhase(_ plan: StudyPlan) -> Int { (plan[updates] + plan[pairs] - 1) / plan[pairs] }
  static func phaseSeconds(_ plan: StudyPlan) -> Double { Double(updatesPerPhase(plan)) / plan[pace] }
  static func seconds(_ plan: StudyPlan) -> Double {
    Double(plan[start]) + phaseSeconds(plan) * Double(2 * plan[pairs])
  }

  static func measure(
    _ plan: StudyPlan, _ context: StudyContext, _ tell: ([StudyRun]) throws -> Void
  ) throws {
    let (network, samples) = try ShippedNetwork.read(context.models)
    let family = try SnapshotFamily(network, samples: samples)
    let networks = try (0..<plan[snapshots]).map { index in
      try network.scalingOutput(by: Float(factor(index, of: plan[Self.snapshots], spread: plan[spread])))
    }
    let snapshots = try networks.enumerated().map {
      try family.datapath($0.element, name: "update \($0.offset)")
    }
    let change = try Statistics.mean(family.changes(networks))
    let instance = try ExperimentInstance(
      "upd", snapshot: snapshots[0], settings: InstanceSettings(measures: true))
    defer { instance.detach() }
    try instance.loosen()
    context.narrate("\(plan[updates]) updates under \(plan[flows]) flows, about \(Int(seconds(plan))) s.")
    try LinkEmulator.with(plan.cell.link(seed: 1), executable: context.executable) { link in
      // Phases get longer on a busy machine.
      let length = Int(seconds(plan) * 2) + 30
      let transfer = try Transfer(
        .init(congestion: instance.congestion, flows: plan[flows], seconds: length), over: link)
      defer { transfer.end() }
      try Interruption.sleep(.seconds(plan[start]))
      try link.beginWindow()
      var course = UpdatesCourse(plan: plan, instance: instance, link: link, snapshots: snapshots)
      var runs: [StudyRun] = []
      for index in 0..<(2 * plan[pairs]) {
        let cell = StudyCell().with(updating, index % 2 == 1)
        var reading = try course.run(updating: index % 2 == 1)
        if index % 2 == 1 { reading[Self.change] = change }
        runs.append(StudyRun(cell, round: index / 2, reading))
        // The last one is told when the link has said how it was.
        if index + 1 < 2 * plan[pairs] { try tell(runs) }
      }
      transfer.end()
      try tell(completed(runs, windows: link.stop().forward.windows))
    }
  }

  /// Adds what only the link's report says. Its first window is the start; the others are the phases.
  private static func completed(_ runs: [StudyRun], windows: [PathWindow]) throws -> [StudyRun] {
    guard windows.count > runs.count else {
      throw TestbedError(
        .linkFailed, "The link recorded \(windows.count) windows for \(runs.count) phases.",
        remedy: "Run again; report this if it comes back.")
    }
    return runs.enumerated().map { index, run in
      var run = run
      let window = windows[index + 1]
      run.reading[FlowMetrics.dropped] = Double(window.droppedSegments)
      run.reading.note(Percentiles(window.queueingDelay), FlowMetrics.queue)
      if window.fellBehind { run.reading.faults.append(Reading.late) }
      return run
    }
  }

  /// What an output is scaled by: low factors at even places and high ones at odd ones, so that each differs
  /// from the next by most of the spread, twice.
  static func factor(_ index: Int, of count: Int, spread: Double) -> Double {
    let part = Double(index / 2) / Double(max(count, 1))
    return index % 2 == 0 ? 1 - spread * (1 - part / 2) : 1 + spread * (1 - part / 2)
  }

  private static func alike(_ what: String, _ metric: Metric, _ part: Double) -> Equivalence {
    Equivalence(
      "\(what) with and without updates", metric, [updating(true)], [updating(false)], within: .part(part))
  }

  /// Margins, set before anything was measured by them. A tenth of a decision, 50 to 100 ns live, is less
  /// than cold caches cost one; the slowest of single seconds vary more than phases do, and may by a fifth. A
  /// hundredth of goodput and a tenth of the wait are what `swap` had allowed.
  private static let claims = [
    alike("decision times", decision, 0.1), alike("tails of decision times", tail, 0.2),
    alike("goodputs", FlowMetrics.goodput, 0.01), alike("mean queues", FlowMetrics.queue.mean, 0.1),
  ]

  private static func promotion(_ name: String, _ fraction: Double) -> Figure {
    Figure(name) { runs in
      let times = runs.runs.flatMap { $0.reading.series[promotionSeries] ?? [] }
      return times.isEmpty ? nil : Estimate(Statistics.quantile(times, fraction))
    }
  }

  private static let caused = Figure("retransmissions caused, a minute", places: 2) { runs in
    runs.difference(perMinute, [updating(true)], less: [updating(false)]).map { Estimate(max(0, $0.value)) }
  }

  private static func faults(_ runs: StudyRuns) -> [String] {
    let pairs = min(runs.of([updating(true)]).runs.count, runs.of([updating(false)]).runs.count)
    return (pairs < leastPairs ? ["\(pairs) pairs of phases: too few to tell a difference"] : [])
      + runs.runs.flatMap(\.faults)
  }

  static let study = Study(
    "updates", "Replace the snapshot a thousand times under ten flows.",
    discussion: """
      Phases without and with updates by turns, under ten flows over an emulated link; every update changes \
      what all flows run. Needs root; six minutes, --quick half a minute.
      """,
    method: """
      Phases without and with updates by turns, under the same iperf3 flows over one emulated link. Flow \
      consistency is off: each update changes the snapshot that every flow runs, at its next ACK. Each \
      update stages one of several snapshots of one shape and promotes it: the shipped network with its \
      output scaled by factors of 0.7 to 0.77 and of 1.23 to 1.3 by turns, so that each changes what flows \
      do; the promotion's time is the whole call, from opening the pins to the status that it returns, so \
      the snapshot is active before it ends; where the kernel allows it, the call has real-time priority, so \
      that the time is the work's own. Retransmissions are TCP's own counts (ss) at the phases' ends. \
      Decision times are taken in the kernel around each inference and read once a second; their phases' \
      means, their 99th percentiles over seconds, goodput and the mean wait in the queue have to be alike \
      with and without updates: by two one-sided t tests (Schuirmann 1987) on the pairs' ratios, within 10%, \
      20%, 1% and 10%. A slot is written again one second after it was retired, which limits the pace.
      """,
    keys: [
      updating, updates, flows, pairs, pace, snapshots, spread, start, Common.rateMbps, Common.rttMs,
      Common.bufferBdp.with(4),
    ],
    quick: { ($0[updates], $0[pairs], $0[start]) = (60, 2, 5) },
    cells: { [StudyCell].one.times(updating, $0) },
    check: { plan in
      try Study.require(
        seconds(plan) <= 3_600, "The experiment would take \(Int(seconds(plan))) s.",
        remedy: "Ask for fewer updates.")
      try plan.cell.link(seed: 1).validate()
    }, whole: { $0[pairs] >= leastPairs }, course: .whole(count: { 2 * $0[pairs] }, measure),
    metrics: [perMinute, decision, tail, FlowMetrics.goodput, FlowMetrics.queue.mean],
    figures: [
      .sum("updates", made), caused,
      .difference(
        "decision, with updates less without (ns)", decision, updating(true), less: updating(false), places: 0
      ),
      .ratio("goodput with updates over without", FlowMetrics.goodput, updating(true), over: updating(false)),
      .mean("actions changed by an update, of their range", change, updating(true)),
      promotion("promotion, median (ms)", 0.5), promotion("promotion, p99 (ms)", 0.99),
      promotion("promotion, longest (ms)", 1),
    ] + claims.map(\.figure),
    bounds: [
      Bound("updates", .atLeast(1_000), .ours), Bound(caused.name, .atMost(0), .ours),
      Bound("promotion, p99 (ms)", .atMost(1), .ours),
      Bound("actions changed by an update, of their range", .atLeast(leastChange), .ours),
    ] + claims.map { $0.bound() }, faults: faults,
    plots: [
      .distribution("Mean time of a decision, second by second", of: decisionSeries, x: PlotAxis("ns")),
      .bars("Goodput of all flows", FlowMetrics.goodput, mark: .dots),
      .bars("Segments sent again a minute", perMinute, mark: .dots),
      .distribution(
        "Time of a promotion", of: promotionSeries, x: PlotAxis("ms", scale: .logarithmic), updating(true)),
    ])
}
