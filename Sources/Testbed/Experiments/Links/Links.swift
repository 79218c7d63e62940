import TestbedLink
import TestbedMeasures

/// A congestion control against others on a matrix of emulated links: the study `links`.
enum Links {
  /// Which of the three questions a cell belongs to.
  enum Part: String, CaseIterable {
    /// One flow on a loss-free link.
    case steady
    /// One flow with random loss.
    case loss
    /// Equal flows that share the link.
    case fairness
  }

  static let congestion = Setting(
    "congestion", "medulla", .anything, "The congestion control under test, which is attached already.")
  static let baselines = Axis(
    "baselines", "congestion", ["cubic"], mayBeEmpty: true, "What it is compared with.")
  static let parts = Axis("parts", "part", Part.allCases.map(\.rawValue), "steady, loss, fairness.").titled {
    _ in ""
  }
  static let rates = Axis("rates", "rate_mbps", [12.0, 48, 100, 400], in: 0.01...100_000, suffix: " Mbit/s")
  static let rtts = Axis("rtts", "rtt_ms", [10.0, 40, 100], in: 0...20_000, suffix: " ms")
  static let buffers = Axis("buffers", "buffer_bdp", [1.0, 4], in: 0.01...1000, suffix: " BDP")
  static let flows = Axis("flows", "flows", [2, 4], in: 1...128, "Numbers of equal flows.").titled {
    $0 == 1 ? "" : "\($0) flows"
  }
  static let loss = Setting("loss", 0.01, in: 0...1, "Random loss of the loss part.")
  private static let lossPart = Axis("losses", "loss", [0.0]).titled {
    $0 == 0 ? "" : "\(short($0 * 100))% loss"
  }
  static let seconds = Setting(
    "seconds", 0, .anything, in: 0...3600,
    "Seconds of one run; 0: 20, or 30 when the round trip is 100 ms or flows share.")
  static let warmUp = Setting(
    "warm_up", -1, .anything, in: -1...3599, "Seconds that do not count; -1: a quarter of the run.")

  /// The names under test and beside it, each once.
  static func congestions(_ plan: StudyPlan) -> [String] {
    ([plan[congestion]] + plan[baselines]).reduce(into: []) { if !$0.contains($1) { $0.append($1) } }
  }

  static func cells(_ plan: StudyPlan) -> [StudyCell] {
    // Round trip of the loss and fairness parts: 40 ms, or the one nearest to it that the plan has.
    let middle = plan[rtts].min { abs($0 - 40) < abs($1 - 40) } ?? 40
    let links = plan[parts].flatMap { name -> [StudyCell] in
      let part = [StudyCell().with(parts, name)].times(rates, plan)
      func rest(_ cells: [StudyCell], loss: Double, flows count: Int) -> [StudyCell] {
        cells.map { $0.with(lossPart, loss).with(flows, count) }
      }
      switch Part(rawValue: name) {
      case .steady: return rest(part.times(rtts, plan).times(buffers, plan), loss: 0, flows: 1)
      case .loss: return rest(part.map { $0.with(rtts, middle).with(buffers, 1) }, loss: plan[loss], flows: 1)
      case .fairness:
        return part.map { $0.with(rtts, middle).with(buffers, 1).with(lossPart, 0) }.times(flows, plan)
      case nil: return []
      }
    }
    return links.flatMap { cell in congestions(plan).map { cell.with(baselines, $0) } }
  }

  static func link(_ cell: StudyCell) -> LinkCell {
    LinkCell(
      rateMbps: cell[rates], rttMilliseconds: cell[rtts], bufferBdp: cell[buffers], loss: cell[lossPart],
      flows: cell[flows])
  }

  static func seconds(_ cell: StudyCell, _ plan: StudyPlan) -> (all: Int, warmUp: Int) {
    let all = plan[seconds] > 0 ? plan[seconds] : cell[rtts] >= 100 || cell[flows] > 1 ? 30 : 20
    return (all, plan[warmUp] >= 0 ? plan[warmUp] : all / 4)
  }

  /// Every link of the full matrix, with at least its usual times: the run, the warm-up and what is left.
  static func isWhole(_ plan: StudyPlan) -> Bool {
    let full = study.plan
    return cells(full).allSatisfy { cell in
      let (own, least) = (seconds(cell, plan), seconds(cell, full))
      return own.all >= least.all && own.warmUp >= least.warmUp
        && own.all - own.warmUp >= least.all - least.warmUp
    }
  }

  static func check(_ plan: StudyPlan) throws {
    try Study.require(
      plan[parts].allSatisfy { Part(rawValue: $0) != nil }, "A part of the plan is not known.",
      remedy: "Use steady, loss, fairness.")
    for cell in cells(plan) {
      let times = seconds(cell, plan)
      try Study.require(
        (2...3600).contains(times.all) && times.warmUp < times.all, "The warm-up leaves nothing to measure.",
        remedy: "Use 2 to 3600 seconds and a shorter warm-up.")
      try link(cell).link(seed: 1).validate()
    }
  }

  /// Runs of the congestion control under test in a part.
  static func own(_ runs: StudyRuns, _ part: Part) -> StudyRuns {
    runs.of([parts(part.rawValue), baselines(runs.plan[congestion])])
  }

  /// The smallest value on any link.
  private static func worst(_ name: String, _ part: Part, _ metric: Metric) -> Figure {
    Figure(name) { runs in
      // A run whose figure is no number is the worst.
      let values = own(runs, part).values(metric).map { $0.isNaN ? 0 : $0 }
      return values.min().map { Estimate($0) }
    }
  }

  private static let belowCubic = Figure("links with less delay than CUBIC") { runs in
    let own = own(runs, .steady).means(FlowMetrics.queue.mean)
    guard runs.plan[congestion] != "cubic", !own.isEmpty else { return nil }
    let below = own.map { item -> Double? in
      let rival = item.cell.with(baselines, "cubic")
      let cubic = StudyRuns(runs: runs.runs.filter { $0.cell == rival }, plan: runs.plan, cells: [rival])
      return cubic.mean(FlowMetrics.queue.mean).map { item.value < $0 ? 1 : 0 }
    }
    // A link without a run of CUBIC is one that is not below it.
    return below.contains { $0 != nil } ? Estimate(Statistics.mean(below.map { $0 ?? 0 })) : nil
  }

  /// Runs whose figures count: those under test, and CUBIC's delays.
  private static func faults(_ runs: StudyRuns) -> [String] {
    runs.runs.filter { run in
      run.cell[baselines] == runs.plan[congestion]
        || (run.cell[baselines] == "cubic" && run.cell[parts] == Part.steady.rawValue)
    }.flatMap(\.faults)
  }

  static let study = Study(
    "links", "Compare congestion controls on a matrix of emulated links.",
    discussion: """
      The congestion control under test must be attached already (`medulla attach congestion`), or be one of \
      the kernel's own. A full matrix takes about 35 minutes; `--rates 12 --rtts 10 --buffers 1 --parts \
      steady --seconds 6` one cell in seconds.
      """,
    method: """
      iperf3 over two TUN devices in two network namespaces; bottleneck and droptail buffer on the way to \
      the server, half of the round trip each way. Share = goodput at the receiving program over 1448/1500 \
      of the rate, after the warm-up. Queueing delay = wait of each segment in the emulated queue before its \
      own service.
      """,
    keys: [
      congestion, baselines, parts, rates, rtts, buffers, flows, loss, seconds, warmUp,
      Common.repeats.with(1),
    ],
    quick: { plan in
      (plan[rates], plan[rtts], plan[buffers], plan[flows]) = ([12, 100], [10, 40], [1], [2])
      plan[seconds] = 8
    }, cells: cells, check: check, whole: isWhole, alone: true,
    course: .trials(.asListed) { plan, context in
      for name in congestions(plan) { try CongestionControls.require(name) }
      return { cell, round in
        let times = seconds(cell, plan)
        return try BulkTrial.measure(
          link(cell), congestion: cell[baselines], seconds: times.all, warmUp: times.warmUp,
          seed: plan.seed(round: round), executable: context.executable)
      }
    },
    metrics: [FlowMetrics.goodput, BulkTrial.share, FlowMetrics.queue.mean, FlowMetrics.jain],
    figures: [
      worst("least share of capacity", .steady, BulkTrial.share), belowCubic,
      worst("least share with random loss", .loss, BulkTrial.share),
      worst("least Jain index", .fairness, FlowMetrics.jain),
    ],
    bounds: [
      Bound("least share of capacity", .atLeast(0.9), .ours),
      Bound("links with less delay than CUBIC", .atLeast(1), .ours),
      Bound("least share with random loss", .atLeast(0.8), .ours),
      Bound("least Jain index", .atLeast(0.9), .ours),
    ], faults: faults,
    plots: [
      .bars(
        "Share of the link's payload capacity", BulkTrial.share, by: baselines.part, range: 0...1.05,
        mark: .dots, rules: { _ in [.init(.y, at: 0.9, "")] }),
      .bars(
        "Mean queueing delay", FlowMetrics.queue.mean, by: baselines.part, scale: .logarithmic, mark: .dots),
    ])
}
