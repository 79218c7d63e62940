import TestbedReport

/// Flows beside each other with nothing in their way but the machine: the setting of `fig3`, `fig4`, `fig13`,
/// `sender-limited`, `low-latency`, `user-space-engine` and `user-space-engine-load`.
enum Concurrency {
  static let schemes = Common.schemes
  static let flows = Axis(
    "flows", "flows", [2, 4, 6, 8, 10], in: 1...128, suffix: " flows", "Flows at once.")
  static let pinned = Setting(
    "pinned", true, .same, "The sender and the user process on processor 0, the receiver on processor 1.")
  static let emulatorBesideSender = Setting(
    "emulator_beside_sender", false, .same,
    "The emulator takes of the sender's processor, as a delay in the sender's own queueing discipline would.")
  static let roundTrips = Setting(
    "round_trips", false, .same, "Features are of round trips, however seldom they are reported.")

  /// The paper's flows; the rate is ours, beyond what flows get on one processor, and below the emulator's
  /// ceiling.
  static func keys(
    _ names: String..., mbps: Double = 2_000, bufferBdp: Double = 2, rttMs: Double = 10, seconds: Int = 8,
    warmUp: Int = 3, count: [Int] = [2, 4, 6, 8, 10], besideSender: Bool = false,
    roundTrips trips: Bool = false
  ) -> [any PlanKey] {
    [
      schemes.with(names.compactMap { SteeringScheme($0) }), flows.with(count), Common.rateMbps.with(mbps),
      Common.rttMs.with(rttMs), Common.bufferBdp.with(bufferBdp), pinned,
      emulatorBesideSender.with(besideSender), roundTrips.with(trips), Common.seconds.with(seconds),
      Common.warmUp.with(warmUp), Common.repeats.with(10),
    ]
  }

  static func cells(_ plan: StudyPlan) -> [StudyCell] {
    [StudyCell].one.times(flows, plan).times(schemes, plan)
  }

  static func check(_ plan: StudyPlan) throws { try trial(plan, flows: 1, round: 0).link.validate() }

  static func trial(_ plan: StudyPlan, flows: Int, round: Int) -> FlowTrial {
    let product = plan[Common.rateMbps] * 1e6 / 8 * plan[Common.rttMs] / 1000
    var trial = FlowTrial(
      link: .path(
        mbps: plan[Common.rateMbps], rttMs: plan[Common.rttMs],
        bufferBytes: Int(max(product * plan[Common.bufferBdp], 64_000)), seed: plan.seed(round: round)),
      flows: flows, seconds: plan.seconds, warmUp: plan.warmUp)
    // Only the machine shall limit the flows; a run in which the emulator falls behind says so.
    trial.link.ignoresCeiling = true
    guard plan[pinned] else { return trial }
    (trial.senderProcessor, trial.receiverProcessor) = (0, 1)
    trial.emulatorProcessor = plan[emulatorBesideSender] ? 0 : 1
    return trial
  }

  static func course(_ prefix: String) -> Study.Course {
    .trials(.shuffled) { plan, context in
      let series = try TrialSeries(
        plan[schemes], prefix: prefix, context: context, processor: plan[pinned] ? 0 : nil,
        roundTrips: plan[roundTrips])
      return { cell, round in
        try series.run(cell[schemes], trial(plan, flows: cell[flows], round: round)).reading
      }
    }
  }

  static let metrics = [
    FlowMetrics.goodput, FlowMetrics.queue.mean, FlowMetrics.senderBusy, FlowMetrics.agent,
    FlowMetrics.reports, FlowMetrics.droppedReports,
  ]

  /// A scheme's goodput over BBR's of the same round and number of flows: mean and interval for a number.
  static func share(_ runs: StudyRuns, _ scheme: String, flows count: Int) -> Estimate? {
    let ratios = runs.of([schemes(scheme), flows(count)]).runs.compactMap { run -> Double? in
      guard let base = runs.of([schemes("bbr"), flows(count)]).round(run.round).mean(FlowMetrics.goodput),
        base > 0
      else { return nil }
      return run[FlowMetrics.goodput].map { $0 / base }
    }
    return Estimate(ratios)
  }

  /// The smallest share over the numbers of flows.
  static func leastShare(_ name: String, _ scheme: String) -> Figure {
    Figure("\(name): least share of BBR's") { runs in
      runs.plan[flows].compactMap { share(runs, scheme, flows: $0) }.min { $0.value < $1.value }
    }
  }

  /// The share at the most flows with one interval over that with another.
  static func mostFlows(_ name: String, _ scheme: String, over other: String) -> Figure {
    .byRound(name) { runs in
      let most = runs.plan[flows].max() ?? 0
      guard let own = share(runs, scheme, flows: most), let rival = share(runs, other, flows: most),
        rival.value > 0
      else { return nil }
      return own.value / rival.value
    }
  }

  static let sharePlot = PlotRecipe { runs in
    let lines = runs.plan[schemes].enumerated().map { index, scheme in
      let points = runs.plan[flows].sorted().compactMap { count in
        share(runs, scheme.name, flows: count).map { Plot.Point(Double(count), $0.value, spread: $0.half) }
      }
      return Plot.Series(scheme.description, color: index, points: points)
    }
    // A few hundredths are what there is to see.
    let heights = lines.flatMap(\.points).map(\.y) + [1]
    let (least, most) = (heights.min() ?? 0, heights.max() ?? 1)
    let range = (Swift.max(0, least - 0.1) * 10).rounded(.down) / 10...((most + 0.1) * 10).rounded(.up) / 10
    return [
      Plot(
        "Goodput of all flows over BBR's", x: PlotAxis("flows"), y: PlotAxis("over BBR's", range: range),
        series: lines, rules: [.init(.y, at: 1, "")])
    ]
  }

  static let plots: [PlotRecipe] = [
    sharePlot,
    .lines(
      "Goodput of all flows", FlowMetrics.goodput, over: flows.part, by: schemes.part, x: PlotAxis("flows")),
    .lines(
      "Busy share of the sender's processor", FlowMetrics.senderBusy, over: flows.part, by: schemes.part,
      x: PlotAxis("flows"), y: PlotAxis("share", range: 0...1)),
  ]
}
