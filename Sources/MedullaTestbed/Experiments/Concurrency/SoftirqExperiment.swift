/// The experiment `fig4`: where processor time goes under ten flows.
public struct SoftirqExperiment: Experiment {
  /// `fig13`'s plan with ten flows.
  public struct Plan: ExperimentPlan {
    public var concurrency: ConcurrencyPlan

    public init() {
      concurrency = ConcurrencyPlan()
      concurrency.schemes = SteeringScheme.list(
        "bbr", "medulla", "user-ack", "user-1ms", "user-10ms", "user-100ms", "onnx-1ms", "onnx-100ms")
      concurrency.flows = [10]
      // Below what the machine can do, so that every scheme carries the same load.
      concurrency.rateMbps = 500
      concurrency.bufferBdp = 2
      concurrency.emulatorBesideSender = false
    }

    public static var quick: Plan {
      var plan = Plan()
      plan.concurrency.schemes = SteeringScheme.list("bbr", "medulla", "user-ack", "user-100ms")
      let quick = ConcurrencyPlan.quick
      (plan.concurrency.seconds, plan.concurrency.warmUp) = (quick.seconds, quick.warmUp)
      plan.concurrency.repeats = 1
      return plan
    }

    public var repeats: Int {
      get { concurrency.repeats }
      set { concurrency.repeats = newValue }
    }
    public var seed: UInt64 {
      get { concurrency.seed }
      set { concurrency.seed = newValue }
    }
    public var runCount: Int { concurrency.runCount }
    public var isComplete: Bool { concurrency.covers(Plan().concurrency) }
    public func validate() throws { try concurrency.validate() }
  }

  public static let facts = ExperimentFacts(
    name: "fig4", title: "Ten flows: softirq's and the user process's share of the sender's processor.",
    discussion: "In the kernel and from user space, at one load. Needs root and a quiet machine; 15 minutes.",
    method: """
      iperf3 with ten flows on 500 Mbit/s and 10 ms, so that every scheme carries the same load. Shares of \
      the time of processor 0, where the sender and the user process are, and what returns to the sender is \
      handled; receiver and emulator are kept to processor 1; \
      /proc/stat as mpstat reads it. What is spent is softirq, the sender and the user process together.
      """,
    paper: PaperFigure(
      "Figure 4, §2.2",
      "With BBR softirq takes about 12.6% of the execution time; with CCP-Aurora 20.6% at 100 ms and 72.3% "
        + "at 1 ms."))

  private let plan: Plan
  private let context: ExperimentContext

  public init(_ plan: Plan, context: ExperimentContext) throws {
    (self.plan, self.context) = (plan, context)
  }

  public func measure(_ take: (FlowMeasures) throws -> Void) throws {
    try plan.concurrency.measure("f4", context: context, take)
  }

  private static func softirq(_ run: FlowMeasures) -> Double { run.processors.softirqByProcessor.first ?? 0 }
  /// Softirq, the sending program with its system calls, and the user process: what other programs of the
  /// machine do is not in it.
  private static func spent(_ run: FlowMeasures) -> Double {
    let processors = Double(max(run.processors.busyByProcessor.count, 1))
    return softirq(run) + (run.processors.processes["sender"] ?? 0) * processors + agent(run)
  }
  private static func agent(_ run: FlowMeasures) -> Double { run.inference?.processorShare ?? 0 }

  public static func judge(_ runs: [FlowMeasures], _ plan: Plan) -> (rows: [VerdictRow], faults: [String]) {
    func mean(_ name: String, _ value: (FlowMeasures) -> Double) -> Double? { runs.of(name).mean(value) }
    var rows = runs.schemes.flatMap { scheme in
      [
        VerdictRow("\(scheme): softirq (%)", mean(scheme.name) { softirq($0) * 100 }, places: 2),
        VerdictRow("\(scheme): user process (%)", mean(scheme.name) { agent($0) * 100 }, places: 2),
        VerdictRow(
          "\(scheme): softirq, sender and user process (%)",
          mean(scheme.name) { spent($0) * 100 }, places: 1),
        VerdictRow("\(scheme): goodput (Mbit/s)", mean(scheme.name, \.goodputMbps), places: 1),
      ]
    }
    func above(_ name: String, _ base: String) -> Double? {
      guard let own = mean(name, spent), let other = mean(base, spent) else { return nil }
      return own - other
    }
    rows += [
      VerdictRow("spent, in kernel above BBR", above("medulla", "bbr"), .atMost(0.05)),
      VerdictRow("spent, user space per ACK above in kernel", above("user-ack", "medulla"), .atLeast(0.05)),
      VerdictRow("spent, user space at 1 ms above 100 ms", above("user-1ms", "user-100ms")),
      VerdictRow("spent, ONNX Runtime at 1 ms above 100 ms", above("onnx-1ms", "onnx-100ms"), .atLeast(0.05)),
    ]
    return (rows, runs.flatMap(\.faults))
  }

  public static func plots(_ runs: [FlowMeasures], _ plan: Plan) -> PlotSheet {
    let schemes = runs.schemes
    func bars(_ name: String, _ color: Int, _ value: (FlowMeasures) -> Double) -> Plot.Series {
      Plot.Series(
        name, color: color, mark: .bars,
        points: schemes.enumerated().map { index, scheme in
          let values = runs.of(scheme.name).map { value($0) * 100 }
          return Plot.Point(
            Double(index), Statistics.mean(values), spread: Statistics.halfInterval(values))
        })
    }
    return PlotSheet([
      Plot(
        "Shares of the sender's processor", x: PlotAxis("", categories: schemes.map(\.description)),
        y: PlotAxis("%", range: 0...100),
        series: [bars("all three", 0, spent), bars("softirq", 1, softirq), bars("user process", 2, agent)])
    ])
  }
}
