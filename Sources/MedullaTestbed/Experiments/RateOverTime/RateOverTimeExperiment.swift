/// The experiment `fig2`: what enters and leaves the bottleneck under different intervals.
public struct RateOverTimeExperiment: Experiment {
  public static let facts = ExperimentFacts(
    name: "fig2", title: "One flow on 12 Mbit/s: what enters and leaves the bottleneck, by interval.",
    discussion: """
      Reports to user space every 100, 10 and 2.5 ms, and inference in the kernel. Needs root; three \
      minutes, --quick half a minute.
      """,
    method: """
      An emulated link of 12 Mbit/s with 10 ms each way, of which UDP takes 6 for three seconds of six; the \
      recorder counts the bytes that come to the queue and those whose service ends in each 50 ms. The \
      paper used UDT, with its own rate control in user space; here the kernel's TCP and the same \
      controller in every scheme.
      """,
    paper: PaperFigure(
      "Figure 2, §2.2",
      "On 12 Mbit/s and 10 ms one way, with an interval of 10 ms the sending rate does not converge to the "
        + "available bandwidth; 2.5 ms mitigates that."))

  private let plan: RateOverTimePlan
  private let series: TrialSeries

  public init(_ plan: RateOverTimePlan, context: ExperimentContext) throws {
    self.plan = plan
    series = try TrialSeries(plan.schemes, prefix: "f2", context: context)
  }

  public func measure(_ take: (RateOverTimeRun) throws -> Void) throws {
    for round in 0..<plan.repeats {
      for scheme in plan.schemes {
        let outcome = try series.run(scheme, plan.trial(round: round), round: round)
        try take(Self.run(outcome, plan))
      }
    }
  }

  static func run(_ outcome: FlowTrial.Outcome, _ plan: RateOverTimePlan) -> RateOverTimeRun {
    let path = outcome.report.forward
    func rates(_ bytes: [Int]) -> [Double] { bytes.map { Double($0) * 8 / (plan.binMs * 1e3) } }
    let (ingress, egress) = (rates(path.bins.arrivedBytes), rates(path.bins.deliveredBytes))
    let measured = path.bins(path.windows[1], of: outcome.report)
    let errors = measured.map { (ingress[$0] - plan.rateMbps) / plan.rateMbps }
    func rounded(_ values: [Double]) -> [Double] { values.map { ($0 * 100).rounded() / 100 } }
    return RateOverTimeRun(
      measures: outcome.measures, ingressMbps: rounded(ingress), egressMbps: rounded(egress),
      utilization: Statistics.mean(measured.map { egress[$0] }) / plan.rateMbps,
      ingressError: Statistics.mean(errors.map { $0 * $0 }).squareRoot())
  }

  public static func judge(
    _ runs: [RateOverTimeRun], _ plan: RateOverTimePlan
  ) -> (rows: [VerdictRow], faults: [String]) {
    let schemes = runs.map(\.measures).schemes
    func mean(_ name: String, _ value: (RateOverTimeRun) -> Double) -> Double? {
      let own = runs.filter { $0.measures.scheme.name == name }
      return own.isEmpty ? nil : Statistics.mean(own.map(value))
    }
    var rows = schemes.flatMap { scheme in
      [
        VerdictRow("\(scheme): egress over the link's rate", mean(scheme.name, \.utilization)),
        VerdictRow("\(scheme): ingress off the rate (RMS)", mean(scheme.name, \.ingressError)),
        VerdictRow("\(scheme): mean queue (ms)", mean(scheme.name, \.measures.queueMs.mean), places: 2),
      ]
    }
    rows += [
      VerdictRow("in kernel: egress over the rate", mean("medulla", \.utilization), .atLeast(0.9)),
      VerdictRow(
        "ingress off the rate, 100 ms over in kernel",
        ratio(mean("user-100ms", \.ingressError), mean("medulla", \.ingressError)), .atLeast(1)),
      VerdictRow(
        "ingress off the rate, 10 ms over in kernel",
        ratio(mean("user-10ms", \.ingressError), mean("medulla", \.ingressError))),
    ]
    return (rows, runs.flatMap(\.measures.faults))
  }

  public static func plots(_ runs: [RateOverTimeRun], _ plan: RateOverTimePlan) -> PlotSheet {
    let plots = runs.map(\.measures).schemes.compactMap { scheme -> Plot? in
      guard let first = runs.first(where: { $0.measures.scheme == scheme }) else { return nil }
      func points(_ values: [Double]) -> [Plot.Point] {
        values.enumerated().map { Plot.Point(Double($0.offset) * plan.binMs / 1000, $0.element) }
      }
      return Plot(
        "\(scheme): first run", x: PlotAxis("time (s)"), y: PlotAxis("Mbit/s", range: 0...plan.rateMbps * 2),
        series: [
          Plot.Series("ingress", color: 1, points: points(first.ingressMbps)),
          Plot.Series("egress", color: 0, points: points(first.egressMbps)),
        ], rules: [.init(.y, at: plan.rateMbps, "link")])
    }
    return PlotSheet(plots)
  }
}
