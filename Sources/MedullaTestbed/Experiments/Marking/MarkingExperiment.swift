/// The experiment `marking`: DCTCP, the network in the kernel and the kernel's own congestion controls on a
/// bottleneck that marks.
public struct MarkingExperiment: Experiment {
  public struct Run: ExperimentRun {
    public var asksForEcn: Bool
    public var measures: FlowMeasures
    /// Goodput over the payload that the link carries.
    public var utilization: Double
    /// Of the segments that left the queue after the warm-up.
    public var markedShare: Double
    /// Segments that the buffer refused, in the whole run.
    public var droppedInAll: Int
    /// The queue's greatest length after the warm-up.
    public var queueBytesMaximum: Int
    /// DCTCP's mean estimate of the share of marked packets; nil for others.
    public var alpha: Double?
    /// DCTCP's flows that went over to Reno.
    public var flowsWithoutEcn: Int?

    var cell: MarkingPlan.Cell {
      .init(scheme: measures.scheme, asksForECN: asksForEcn, flows: measures.flows)
    }

    public var line: String {
      measures.line + (asksForEcn ? "" : ", without ECN")
        + ", \(decimal(utilization * 100, 1))% used, \(decimal(markedShare * 100, 1))% marked"
        + (droppedInAll > 0 ? ", \(droppedInAll) dropped" : "")
        + (alpha.map { ", alpha \(decimal($0, 2))" } ?? "")
    }

    var faults: [String] {
      measures.faults
        + ((flowsWithoutEcn ?? 0) > 0 ? ["\(cell.title): \(flowsWithoutEcn ?? 0) went over to Reno"] : [])
    }
  }

  public static let facts = ExperimentFacts(
    name: "marking", title: "DCTCP, the network, CUBIC and BBR on a link that marks above a threshold.",
    discussion: """
      200 Mbit/s, 10 ms; packets that find more than 66 kB waiting are marked, and 1 MB fits. 1, 2 and 4 \
      flows. Needs root; 15 minutes, --quick half one.
      """,
    method: """
      iperf3 flows over an emulated link with an ECN threshold K. net.ipv4.tcp_ecn is 1 at both ends, so \
      that every connection asks for ECN; for the rows without ECN it is 2, the kernel's own, and nobody \
      asks. DCTCP is our eBPF program, at the receiver too, which echoes each mark; the others' receivers \
      echo as RFC 3168 says, each mark until the sender has answered. Utilization is the goodput after the \
      warm-up over 1448/1500 of the rate; the queue is the wait of segments in the emulated bottleneck.
      """)

  private let plan: MarkingPlan
  private let series: TrialSeries

  public init(_ plan: MarkingPlan, context: ExperimentContext) throws {
    self.plan = plan
    series = try TrialSeries(plan.schemes + plan.withoutEcn, prefix: "mk", context: context)
  }

  public func measure(_ take: (Run) throws -> Void) throws {
    for round in 0..<plan.repeats {
      for cell in plan.cells {
        let outcome = try series.run(cell.scheme, plan.trial(cell, round: round), round: round)
        let path = outcome.report.forward
        let window = path.windows[1]
        try take(
          Run(
            asksForEcn: cell.asksForECN, measures: outcome.measures,
            utilization: outcome.measures.goodputMbps / plan.capacityMbps,
            markedShare: Double(window.markedSegments) / Double(max(window.deliveredSegments, 1)),
            droppedInAll: path.droppedSegments, queueBytesMaximum: window.queueBytesMaximum,
            alpha: outcome.dctcp?.meanAlpha, flowsWithoutEcn: outcome.dctcp?.flowsWithoutECN))
      }
    }
  }
}
