/// The experiment `fig13`: what inference costs many flows.
public struct OverheadExperiment: Experiment {
  public static let facts = ExperimentFacts(
    name: "fig13", title: "2 to 10 flows: goodput over BBR's, by who infers, and where.",
    discussion: """
      In the kernel, in user space (lean C and ONNX Runtime) per ACK and every 1 ms, CUBIC and BBR, where \
      the sender's processor is the limit. Needs root and a quiet machine; 45 minutes, --quick one minute; \
      `--repeats 3` a quarter of an hour.
      """,
    method: ConcurrencyPlan.method,
    paper: PaperFigure(
      "Figure 13, §5.1",
      "LF-Aurora and LF-MOCC lose less than 5% against BBR and outperform CUBIC by 17.5%.",
      "They outperform CCP-Aurora and CCP-MOCC by up to 63.5%."))

  private let plan: ConcurrencyPlan
  private let context: ExperimentContext

  public init(_ plan: ConcurrencyPlan, context: ExperimentContext) throws {
    (self.plan, self.context) = (plan, context)
  }

  public func measure(_ take: (FlowMeasures) throws -> Void) throws {
    try plan.measure("f13", context: context, take)
  }

  public static func judge(
    _ runs: [FlowMeasures], _ plan: ConcurrencyPlan
  ) -> (rows: [VerdictRow], faults: [String]) {
    var rows = runs.normalized(to: "bbr").filter { $0.scheme.name != "bbr" && !$0.ratios.isEmpty }.map {
      VerdictRow("\($0.scheme), \($0.flows) flows: over BBR", Statistics.mean($0.ratios))
    }
    rows += [
      VerdictRow("in kernel: least share of BBR's", runs.leastShare("medulla"), .atLeast(0.97)),
      // The paper's user space is an engine from Python too; lean C is a baseline beyond it.
      VerdictRow("ONNX Runtime per ACK: least share", runs.leastShare("onnx-ack"), .atMost(0.95)),
      VerdictRow("ONNX Runtime, 1 ms: least share", runs.leastShare("onnx-1ms"), .atMost(0.95)),
      VerdictRow("user space per ACK: least share", runs.leastShare("user-ack")),
      VerdictRow("user space, 1 ms: least share", runs.leastShare("user-1ms")),
      VerdictRow("CUBIC: least share", runs.leastShare("cubic")),
      VerdictRow(
        "busy share of the sender's processor under BBR",
        runs.of("bbr").mean { $0.processors.busyByProcessor.first ?? 0 }, .atLeast(0.9)),
    ]
    return (rows, runs.flatMap(\.faults))
  }

  public static func plots(_ runs: [FlowMeasures], _ plan: ConcurrencyPlan) -> PlotSheet {
    let x = PlotAxis("flows")
    func series(_ value: (FlowMeasures) -> Double) -> [Plot.Series] {
      runs.schemes.enumerated().map { index, scheme in
        Plot.Series(
          scheme.description, color: index,
          points: plan.flows.compactMap { count in
            runs.of(scheme.name, flows: count).mean(value).map { Plot.Point(Double(count), $0) }
          })
      }
    }
    return PlotSheet([
      runs.normalizedPlot,
      Plot("Goodput of all flows", x: x, y: PlotAxis("Mbit/s"), series: series(\.goodputMbps)),
      Plot(
        "Busy share of the sender's processor", x: x, y: PlotAxis("%", range: 0...100),
        series: series { ($0.processors.busyByProcessor.first ?? 0) * 100 }),
    ])
  }
}
