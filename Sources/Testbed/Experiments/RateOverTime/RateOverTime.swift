import TestbedMeasures
import TestbedReport

/// What enters and leaves a slow bottleneck under different intervals: the studies `fig2` and
/// `changing-slow-link`.
enum RateOverTime {
  private static let schemes = Common.schemes.with(
    SteeringScheme.list("user-100ms", "user-10ms", "user-2500us", "medulla"))
  static let bufferBytes = CongestedPath.bufferBytes.with(60_000)
  static let background = CongestedPath.background
  static let binMs = Setting("bin_ms", 50.0, in: 10...10_000, "Width of a value of ingress and egress.")

  static let utilization = Metric("utilization", "egress over the link's rate")
  static let ingressError = Metric("ingress_error", "ingress off the rate (RMS)")

  private static func keys(background mbps: Double, on: Double, off: Double) -> [any PlanKey] {
    [
      schemes, Common.rateMbps.with(12), Common.rttMs.with(20), bufferBytes, background.with(mbps),
      CongestedPath.on.with(on), CongestedPath.off.with(off), binMs, Common.seconds.with(15),
      Common.warmUp.with(3), Common.repeats,
    ]
  }

  private static func trial(_ plan: StudyPlan, round: Int) -> FlowTrial {
    var trial = CongestedPath.trial(plan, round: round)
    trial.link.binNanoseconds = UInt64(plan[binMs] * 1e6)
    return trial
  }

  private static func course(_ prefix: String) -> Study.Course {
    .trials(.shuffled) { plan, context in
      let series = try TrialSeries(plan[schemes], prefix: prefix, context: context)
      return { cell, round in
        let outcome = try series.run(cell[schemes], trial(plan, round: round))
        let path = outcome.report.forward
        func rates(_ bytes: [Int]) -> [Double] { bytes.map { Double($0) * 8 / (plan[binMs] * 1e3) } }
        let (ingress, egress) = (rates(path.bins.arrivedBytes), rates(path.bins.deliveredBytes))
        let measured = path.bins(path.windows[1], of: outcome.report)
        let rate = plan[Common.rateMbps]
        let errors = measured.map { (ingress[$0] - rate) / rate }
        var reading = outcome.reading
        reading[utilization] = Statistics.mean(measured.map { egress[$0] }) / rate
        reading[ingressError] = Statistics.mean(errors.map { $0 * $0 }).squareRoot()
        reading.series["ingress_mbps"] = ingress.map { ($0 * 100).rounded() / 100 }
        reading.series["egress_mbps"] = egress.map { ($0 * 100).rounded() / 100 }
        return reading
      }
    }
  }

  private static let off = "ingress off the rate, 100 ms over in kernel"
  private static let figures = [
    Figure.mean("in kernel: egress over the rate", utilization, schemes("medulla")),
    .ratio(off, ingressError, schemes("user-100ms"), over: schemes("medulla")),
    .ratio(
      "ingress off the rate, 10 ms over in kernel", ingressError, schemes("user-10ms"),
      over: schemes("medulla")),
  ]
  private static let plots: [PlotRecipe] = [
    .overTime(
      "First round", [("ingress_mbps", "ingress"), ("egress_mbps", "egress")], step: { $0[binMs] / 1000 },
      y: PlotAxis("Mbit/s"), apart: schemes.part, rules: { [.init(.y, at: $0[Common.rateMbps], "link")] })
  ]

  private static func study(
    _ name: String, _ title: String, method: String, paper: PaperFigure?, keys: [any PlanKey],
    bounds: [Bound]
  ) -> Study {
    Study(
      name, title,
      discussion: """
        Reports to user space every 100, 10 and 2.5 ms, and inference in the kernel. Needs root; four \
        minutes, --quick half a minute.
        """,
      method: """
        An emulated link of 12 Mbit/s with 10 ms each way\(method); the recorder counts the bytes that come \
        to the queue and those whose service ends in each 50 ms. The paper used UDT, with its own rate \
        control in user space; here the kernel's TCP and the same controller in every scheme.
        """, paper: paper, keys: keys,
      quick: { ($0[Common.seconds], $0[Common.warmUp], $0[Common.repeats]) = (8, 2, 1) },
      cells: CongestedPath.cells, check: CongestedPath.check, course: course(name == "fig2" ? "f2" : "cs"),
      metrics: [utilization, ingressError, FlowMetrics.queue.mean], figures: figures, bounds: bounds,
      plots: plots)
  }

  static let fig2 = study(
    "fig2", "One flow on 12 Mbit/s: what enters and leaves the bottleneck, by interval.", method: "",
    paper: PaperFigure(
      "Figure 2, §2.2",
      "On 12 Mbit/s and 10 ms one way, with an interval of 10 ms the sending rate does not converge to the "
        + "available bandwidth; 2.5 ms mitigates that."),
    keys: keys(background: 0, on: 0, off: 0),
    bounds: [
      Bound("in kernel: egress over the rate", .atLeast(0.9), .ours, by: .interval),
      Bound(
        off, .atLeast(1), .paper("§2.2"), by: .interval,
        explanation: """
          Without other traffic ingress is off by 4 to 24% in all schemes, in an order that does not repeat \
          from run to run; at the paper's 10 ms the rate converges, since the controller measures over round \
          trips, of which 10 ms is half a one.
          """),
    ])

  static let changing = study(
    "changing-slow-link", "One flow beside UDP that comes and goes on 12 Mbit/s.",
    method: ", of which UDP takes 6 Mbit/s for three seconds of six, so that there is something to react to",
    paper: nil, keys: keys(background: 6, on: 3, off: 3),
    bounds: [
      Bound("in kernel: egress over the rate", .atLeast(0.9), .ours, by: .interval),
      Bound(off, .atLeast(1), .ours, by: .interval),
    ])
}
