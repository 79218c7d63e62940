/// The experiment `fig1`: the interval between kernel and user space against goodput and queue.
public struct IntervalExperiment: Experiment {
  /// What `fig11` visits, with the schemes that differ in their interval.
  public struct Plan: ExperimentPlan {
    public var goodput = GoodputPlan()

    public init() {
      goodput.path.schemes = SteeringScheme.list("user-1ms", "user-10ms", "user-100ms", "medulla")
    }

    public static var quick: Plan {
      var plan = Plan()
      plan.goodput = .quick
      plan.goodput.path.schemes = SteeringScheme.list("user-1ms", "user-100ms")
      return plan
    }

    public var repeats: Int {
      get { goodput.repeats }
      set { goodput.repeats = newValue }
    }
    public var seed: UInt64 {
      get { goodput.seed }
      set { goodput.seed = newValue }
    }
    public var runCount: Int { goodput.runCount }
    public var isComplete: Bool { goodput.covers(Plan().goodput) }
    public func validate() throws { try goodput.validate() }
  }

  public struct Run: ExperimentRun {
    public var setting: GoodputPlan.Setting
    public var measures: FlowMeasures
    /// Goodput in each tenth of a second, in Mbit/s.
    public var goodputMbps: [Double]
    /// Mean wait in the queue in each hundredth of a second, in ms.
    public var queueMs: [Double]

    public var line: String { "\(setting.rawValue.padding(9)) \(measures.line)" }
  }

  public static let facts = ExperimentFacts(
    name: "fig1", title: "The interval between kernel and user space, against goodput and queue.",
    discussion: """
      One flow steered from user space with reports every 1, 10 and 100 ms over a congested 1 Gbit/s, and \
      from the kernel. Needs root; six minutes, --quick half a minute.
      """,
    method: """
      As fig11, with its two settings. Goodput over 0.1 s as a distribution; the queue is the mean wait of \
      segments in the emulated bottleneck in each 10 ms. The targets are judged under congestion that comes \
      and goes.
      """,
    paper: PaperFigure(
      "Figure 1, §2.2",
      "Mean goodput falls from 672.08 Mbit/s (1 ms) to 585.17 (100 ms).",
      "The queue is small and stable at 1 ms; it grows and oscillates with the interval."))

  private let plan: Plan
  private let series: TrialSeries

  public init(_ plan: Plan, context: ExperimentContext) throws {
    self.plan = plan
    series = try TrialSeries(plan.goodput.path.schemes, prefix: "f1", context: context)
  }

  public func measure(_ take: (Run) throws -> Void) throws {
    for round in 0..<plan.repeats {
      for setting in GoodputPlan.Setting.allCases {
        let path = plan.goodput.path(setting)
        for scheme in path.schemes {
          let trial = path.trial(round: round)
          let outcome = try series.run(scheme, trial, round: round)
          let (start, end) = (Double(trial.warmUp), Double(trial.seconds))
          let values = outcome.transfer.goodputSeries(from: start, to: end, every: trial.interval)
          let queue = outcome.report.forward.bins(outcome.report.forward.windows[1], of: outcome.report)
          try take(
            Run(
              setting: setting, measures: outcome.measures,
              goodputMbps: values.map { ($0 * 10).rounded() / 10 },
              queueMs: queue.map { outcome.report.forward.bins.meanDelayMilliseconds[$0] }))
        }
      }
    }
  }

  /// 672.08 over 585.17 Mbit/s.
  static let paperRatio = 1.148

  public static func judge(_ runs: [Run], _ plan: Plan) -> (rows: [VerdictRow], faults: [String]) {
    var rows: [VerdictRow] = []
    for setting in GoodputPlan.Setting.allCases {
      let own = runs.filter { $0.setting == setting }
      let measures = own.map(\.measures)
      func goodput(_ name: String) -> Double? { measures.of(name).mean(\.goodputMbps) }
      func queue(_ name: String, _ value: ([Double]) -> Double) -> Double? {
        let some = own.filter { $0.measures.scheme.name == name }
        return some.isEmpty ? nil : Statistics.mean(some.map { value($0.queueMs) })
      }
      let name = "\(setting.rawValue), "
      rows += measures.schemes.flatMap { scheme in
        [
          VerdictRow("\(name)\(scheme): goodput (Mbit/s)", goodput(scheme.name), places: 1),
          VerdictRow("\(name)\(scheme): mean queue (ms)", queue(scheme.name, Statistics.mean), places: 3),
          VerdictRow(
            "\(name)\(scheme): deviation of the queue (ms)", queue(scheme.name, Statistics.deviation),
            places: 3),
        ]
      }
      rows += [
        VerdictRow(
          "\(name)goodput, 1 ms over 100 ms", ratio(goodput("user-1ms"), goodput("user-100ms")),
          setting == .changing ? .atLeast(paperRatio) : nil),
        VerdictRow(
          "\(name)queue's deviation, 100 ms over 1 ms",
          ratio(queue("user-100ms", Statistics.deviation), queue("user-1ms", Statistics.deviation)),
          setting == .changing ? .atLeast(1) : nil),
      ]
    }
    return (rows, runs.flatMap(\.measures.faults))
  }

  public static func plots(_ runs: [Run], _ plan: Plan) -> PlotSheet {
    let schemes = runs.map(\.measures).schemes
    let plots = GoodputPlan.Setting.allCases.flatMap { setting in
      let own = runs.filter { $0.setting == setting }
      let name = setting == .constant ? "Constant congestion" : "Congestion that comes and goes"
      let distributions = schemes.enumerated().map { index, scheme in
        Plot.Series(
          scheme.description, color: index,
          points: Plot.distribution(own.filter { $0.measures.scheme == scheme }.flatMap(\.goodputMbps)))
      }
      // The first run's queue; more would hide each other.
      let queues = schemes.enumerated().map { index, scheme in
        let first = own.first { $0.measures.scheme == scheme }?.queueMs ?? []
        return Plot.Series(
          scheme.description, color: index,
          points: first.enumerated().map { Plot.Point(Double($0.offset) / 100, $0.element) })
      }
      let path = plan.goodput.path
      return [
        Plot(
          "\(name): distribution of goodput over 0.1 s", x: PlotAxis("goodput (Mbit/s)"),
          y: PlotAxis("share of values", range: 0...1), series: distributions),
        Plot(
          "\(name): mean wait in the queue in each 10 ms of the first run", x: PlotAxis("time (s)"),
          y: PlotAxis("ms"), series: queues,
          rules: [.init(.y, at: Double(path.bufferBytes) * 8 / path.rateMbps / 1000, "full buffer")]),
      ]
    }
    return PlotSheet(plots)
  }
}
