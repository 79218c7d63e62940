/// The experiment `fig1`: the interval between kernel and user space against goodput and queue.
public struct IntervalExperiment: Experiment {
  /// What `fig11` visits, with the schemes that differ in their interval.
  public struct Plan: ExperimentPlan {
    public var path: CongestedPathPlan

    public init() {
      path = CongestedPathPlan()
      path.schemes = SteeringScheme.list("user-1ms", "user-10ms", "user-100ms", "medulla")
      path.repeats = 3
    }

    public static var quick: Plan {
      var plan = Plan()
      (plan.path.seconds, plan.path.warmUp, plan.path.repeats) = (6, 2, 1)
      return plan
    }

    public var repeats: Int {
      get { path.repeats }
      set { path.repeats = newValue }
    }
    public var seed: UInt64 {
      get { path.seed }
      set { path.seed = newValue }
    }
    public var runCount: Int { path.runCount }
    public var isComplete: Bool { path.covers(Plan().path) }
    public func validate() throws { try path.validate() }
  }

  public struct Run: ExperimentRun {
    public var measures: FlowMeasures
    /// Goodput in each tenth of a second, in Mbit/s.
    public var goodputMbps: [Double]
    /// Mean wait in the queue in each hundredth of a second, in ms.
    public var queueMs: [Double]

    public var line: String { measures.line }
  }

  public static let facts = ExperimentFacts(
    name: "fig1", title: "The interval between kernel and user space, against goodput and queue.",
    discussion: """
      One flow steered from user space with reports every 1, 10 and 100 ms over a congested 1 Gbit/s, and \
      from the kernel. Needs root; three minutes, --quick half a minute.
      """,
    method: """
      As fig11. Goodput over 0.1 s as a distribution; the queue is the mean wait of segments in the emulated \
      bottleneck in each 10 ms.
      """,
    paper: PaperFigure(
      "Figure 1, §2.2",
      "Mean goodput falls from 672.08 Mbit/s (1 ms) to 585.17 (100 ms).",
      "The queue is small and stable at 1 ms; it grows and oscillates with the interval."))

  private let plan: Plan
  private let series: TrialSeries

  public init(_ plan: Plan, context: ExperimentContext) throws {
    self.plan = plan
    series = try TrialSeries(plan.path.schemes, prefix: "f1", context: context)
  }

  public func measure(_ take: (Run) throws -> Void) throws {
    for round in 0..<plan.repeats {
      for scheme in plan.path.schemes {
        let trial = plan.path.trial(round: round)
        let outcome = try series.run(scheme, trial, round: round)
        let (start, end) = (Double(trial.warmUp), Double(trial.seconds))
        let values = outcome.transfer.goodputSeries(from: start, to: end, every: trial.interval)
        let queue = outcome.report.forward.bins(outcome.report.forward.windows[1], of: outcome.report)
        try take(
          Run(
            measures: outcome.measures, goodputMbps: values.map { ($0 * 10).rounded() / 10 },
            queueMs: queue.map { outcome.report.forward.bins.meanDelayMilliseconds[$0] }))
      }
    }
  }

  /// 672.08 over 585.17 Mbit/s.
  static let paperRatio = 1.148

  public static func judge(_ runs: [Run], _ plan: Plan) -> (rows: [VerdictRow], faults: [String]) {
    let measures = runs.map(\.measures)
    func queue(_ name: String, _ value: ([Double]) -> Double) -> Double? {
      let own = runs.filter { $0.measures.scheme.name == name }
      return own.isEmpty ? nil : Statistics.mean(own.map { value($0.queueMs) })
    }
    var rows = measures.schemes.flatMap { scheme in
      [
        VerdictRow("\(scheme): goodput (Mbit/s)", measures.of(scheme.name).mean(\.goodputMbps), places: 1),
        VerdictRow("\(scheme): mean queue (ms)", queue(scheme.name, Statistics.mean), places: 3),
        VerdictRow(
          "\(scheme): deviation of the queue (ms)", queue(scheme.name, Statistics.deviation),
          places: 3),
      ]
    }
    let goodput = { (name: String) in measures.of(name).mean(\.goodputMbps) }
    rows += [
      VerdictRow(
        "goodput, 1 ms over 100 ms", ratio(goodput("user-1ms"), goodput("user-100ms")), .atLeast(paperRatio)),
      VerdictRow(
        "queue's deviation, 100 ms over 1 ms",
        ratio(queue("user-100ms", Statistics.deviation), queue("user-1ms", Statistics.deviation)),
        .atLeast(1)),
    ]
    return (rows, measures.flatMap(\.faults))
  }

  public static func plots(_ runs: [Run], _ plan: Plan) -> PlotSheet {
    let schemes = runs.map(\.measures).schemes
    let distributions = schemes.enumerated().map { index, scheme in
      let own = runs.filter { $0.measures.scheme == scheme }.flatMap(\.goodputMbps)
      return Plot.Series(scheme.description, color: index, points: Plot.distribution(own))
    }
    // The first run's queue; more would hide each other.
    let queues = schemes.enumerated().map { index, scheme in
      let first = runs.first { $0.measures.scheme == scheme }?.queueMs ?? []
      return Plot.Series(
        scheme.description, color: index,
        points: first.enumerated().map { Plot.Point(Double($0.offset) / 100, $0.element) })
    }
    return PlotSheet([
      Plot(
        "Distribution of goodput over 0.1 s", x: PlotAxis("goodput (Mbit/s)"),
        y: PlotAxis("share of values", range: 0...1), series: distributions),
      Plot(
        "Mean wait in the queue in each 10 ms of the first run", x: PlotAxis("time (s)"), y: PlotAxis("ms"),
        series: queues,
        rules: [.init(.y, at: Double(plan.path.bufferBytes) * 8 / plan.path.rateMbps / 1000, "full buffer")]),
    ])
  }
}
