/// The experiment `fig3`: what communication between kernel and user space costs many flows.
public struct CommunicationExperiment: Experiment {
  /// `fig13`'s plan, with user-space inference only.
  public struct Plan: ExperimentPlan {
    public var concurrency: ConcurrencyPlan

    public init() {
      concurrency = ConcurrencyPlan()
      concurrency.schemes = SteeringScheme.list(
        "bbr", "onnx-1ms", "onnx-10ms", "onnx-100ms", "user-1ms", "user-10ms", "user-100ms")
    }

    public static var quick: Plan {
      var plan = Plan()
      plan.concurrency = .quick
      plan.concurrency.schemes = SteeringScheme.list("bbr", "user-1ms", "user-100ms")
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
    name: "fig3", title: "2 to 10 flows steered from user space: goodput over BBR's, by interval.",
    discussion: "As fig13, without inference in the kernel. Needs root and a quiet machine; an hour.",
    method: ConcurrencyPlan.method,
    paper: PaperFigure(
      "Figure 3, §2.2",
      "Normalised throughput falls with the number of flows and with a smaller interval: 10 flows at 1 ms "
        + "reach 5.5 Gbit/s, BBR 16.1."))

  private let plan: Plan
  private let context: ExperimentContext

  public init(_ plan: Plan, context: ExperimentContext) throws {
    (self.plan, self.context) = (plan, context)
  }

  public func measure(_ take: (FlowMeasures) throws -> Void) throws {
    try plan.concurrency.measure("f3", context: context, take)
  }

  public static func judge(_ runs: [FlowMeasures], _ plan: Plan) -> (rows: [VerdictRow], faults: [String]) {
    let most = plan.concurrency.flows.max() ?? 10
    let shares = runs.normalized(to: "bbr").filter { !$0.ratios.isEmpty }
    func share(_ name: String) -> Double? {
      shares.first { $0.scheme.name == name && $0.flows == most }.map { Statistics.mean($0.ratios) }
    }
    var rows = shares.filter { $0.scheme.name != "bbr" }.map {
      VerdictRow("\($0.scheme), \($0.flows) flows: over BBR", Statistics.mean($0.ratios))
    }
    rows += [
      VerdictRow(
        "ONNX Runtime, 1 ms over 100 ms", ratio(share("onnx-1ms"), share("onnx-100ms")), .atMost(0.95)),
      VerdictRow("lean, 1 ms over 100 ms", ratio(share("user-1ms"), share("user-100ms"))),
    ]
    return (rows, runs.flatMap(\.faults))
  }

  public static func plots(_ runs: [FlowMeasures], _ plan: Plan) -> PlotSheet {
    PlotSheet([runs.normalizedPlot])
  }
}
