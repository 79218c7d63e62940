import TestbedLink
import TestbedReport

/// Paths that are hard for a congestion control, each a case of its own: the study `hard-paths`.
enum HardPaths {
  static let schemes = Common.schemes
  static let paths = Axis("paths", "path", HardPath.all.map(\.name), "The cases, by their names.")
  static let seconds = Setting(
    "seconds", 0, in: 0...3600, "Seconds of one run; 0: each case's own. Others have no verdict.")
  /// Less leaves no second to measure in some case.
  private static let leastSeconds = 6

  static func cells(_ plan: StudyPlan) -> [StudyCell] {
    [StudyCell].one.times(paths, plan).times(schemes, plan)
  }

  static func check(_ plan: StudyPlan) throws {
    try Study.require(
      plan[seconds] == 0 || plan[seconds] >= leastSeconds, "Runs of \(plan[seconds]) s are too short.",
      remedy: "Use at least \(leastSeconds) seconds, or 0.")
    for name in plan[paths] {
      guard let path = HardPath.named(name) else {
        throw TestbedError(
          .badParameter, "There is no path `\(name)`.",
          remedy: "Use \(HardPath.all.map(\.name).joined(separator: ", ")).")
      }
      try path.link(path.times(plan[seconds]).seconds, plan.seed).validate()
    }
  }

  private static func own(_ path: String, _ metric: Metric, _ comparison: Bound.Comparison) -> Bound {
    Bound(each: metric, schemes("medulla"), paths(path), to: comparison, .ours)
  }

  private static func carried(_ names: String..., least: Double) -> [Bound] {
    names.map { own($0, HardPathTrial.share, .atLeast(least)) }
  }

  private static let bounds =
    [
      own("step-rtt", HardPathTrial.recovery, .atMost(10)),
      own("step-rtt", HardPathTrial.largestQueue, .atMost(1)),
    ] + carried("step-rtt-short", least: 0.9)
    + [own("policer", HardPathTrial.loss, .atMost(0.02))]
    + carried("policer", least: 0.85)
    + carried("aggregation", "slow-return", "loss-0.1", "loss-1", "loss-5", least: 0.9)
    + carried("burst-loss", "reordering", "duplicates", least: 0.85)
    + [
      own("joining", HardPathTrial.leastJain, .atLeast(0.9)),
      own("rtt-fairness", HardPathTrial.farShare, .atLeast(0.4)),
      own("many-flows", FlowMetrics.jain, .atLeast(0.8)),
      own("many-flows", HardPathTrial.loss, .atMost(0.05)),
    ] + carried("gigabit", "two-gigabit", least: 0.9)
    + [
      Bound("codel: goodput over CUBIC's", .atLeast(1), .ours),
      Bound("codel: mean queue over CUBIC's", .atMost(1), .ours),
      Bound("pie: goodput over CUBIC's", .atLeast(1), .ours),
      Bound("pie: mean queue over CUBIC's", .atMost(1), .ours),
      Bound("cellular: goodput over CUBIC's", .atLeast(0.9), .ours),
      Bound("cellular: queue p95 over CUBIC's", .atMost(0.5), .ours),
    ]

  private static func overCubic(_ path: String, _ what: String, _ metric: Metric) -> Figure {
    .ratio(
      "\(path): \(what) over CUBIC's", metric, paths(path), schemes("medulla"), over: paths(path),
      schemes("cubic"))
  }

  private static let figures = [
    overCubic("codel", "goodput", FlowMetrics.goodput),
    overCubic("codel", "mean queue", FlowMetrics.queue.mean),
    overCubic("pie", "goodput", FlowMetrics.goodput), overCubic("pie", "mean queue", FlowMetrics.queue.mean),
    overCubic("cellular", "goodput", FlowMetrics.goodput),
    overCubic("cellular", "queue p95", FlowMetrics.queue.p95),
  ]

  private static func goodputAfter(_ path: String) -> PlotRecipe {
    .overTime(
      "\(path): goodput in each second of the first round", [(HardPathTrial.goodputSeries, "")],
      step: { _ in 1 }, y: PlotAxis("Mbit/s"), paths(path))
  }

  static let study = Study(
    "hard-paths", "Paths that are hard for a congestion control, one by one.",
    discussion: """
      A step of the round trip, a policer, batches and a slow way back, losses, reordering, duplicates, \
      flows that join, unequal round trips, a thousand flows, CoDel and PIE, a cellular link, one and two \
      Gbit/s; `--paths policer` runs one. Needs root; 100 minutes, --quick two.
      """,
    method: """
      48 Mbit/s, 40 ms and 1 BDP of buffer unless the case says otherwise; 40 s, of which 10 warm-up, or 60. \
      Share is goodput over 1448/1500 of the rate, for the policer over its rate itself. step-rtt: 20 to 80 \
      ms at 20 s, a buffer of 2 BDP of the new path; recovery is the end of the first second after the step \
      with 90% of the capacity. step-rtt-short: 12 Mbit/s, 4 to 80 ms, 1 BDP; share of the last 20 s. \
      joining: five flows, one each 5 s; Jain's index over the fifth second after each join, the least. \
      rtt-fairness: 10 and 100 ms, 240 kB. many-flows: 10 Mbit/s, a second of buffer, the last 60 of 120 s. \
      codel, pie: 4 BDP of buffer, every connection asks for ECN. cellular: a trace drawn by the model of \
      Sprout (NSDI 2013), 750 kB; its share is of what the trace gave. Loss counts what was policed, dropped \
      and lost, after the warm-up.
      """,
    keys: [paths, schemes, seconds, Common.repeats],
    quick: { plan in
      plan[paths] = ["alone", "step-rtt", "policer", "joining"]
      (plan[seconds], plan[Common.repeats]) = (10, 1)
    }, cells: cells, check: check, alone: true,
    course: .trials(.shuffled) { plan, context in
      let series = try TrialSeries(
        plan[schemes], .congestion, prefix: "hard", context: context)
      return { cell, round in
        guard let path = HardPath.named(cell[paths]) else { return Reading() }
        return try HardPathTrial(
          path, asked: plan[seconds], seed: plan.seed(round: round), executable: context.executable
        ).run(cell[schemes], series)
      }
    },
    metrics: [
      HardPathTrial.share, FlowMetrics.goodput, FlowMetrics.queue.mean, FlowMetrics.queue.p95,
      HardPathTrial.loss, HardPathTrial.recovery, HardPathTrial.largestQueue, FlowMetrics.jain,
      HardPathTrial.leastJain, HardPathTrial.farShare,
    ], figures: figures, bounds: bounds,
    plots: [
      .bars("Share of the capacity", HardPathTrial.share, by: schemes.part),
      .bars("Mean wait in the queue", FlowMetrics.queue.mean, by: schemes.part, scale: .logarithmic),
      goodputAfter("step-rtt"), goodputAfter("step-rtt-short"),
    ])
}
