import TestbedBaselines
import TestbedLink

/// DCTCP, the network and the kernel's own congestion controls on a bottleneck that marks above a threshold,
/// with much more room behind it: the studies `marking` and `marking-with-burst`.
enum Marking {
  static let schemes = Common.schemes.with(
    SteeringScheme.list("dctcp", "dctcp-kernel", "medulla", "cubic", "bbr"))
  static let withoutECN = Axis(
    "without_ecn", "scheme", SteeringScheme.list("medulla", "cubic"), mayBeEmpty: true,
    "These once more without ECN: the bottleneck can mark none of their packets.")
  static let ecn = Axis("ecn", "ecn", [true, false]).titled { $0 ? "" : "without ECN" }
  static let flows = Axis("flows", "flows", [1, 2, 4], in: 1...64, "Flows of one kind that share the link.")
    .titled { $0 == 1 ? "1 flow" : "\($0) flows" }
  static let threshold = Setting(
    "mark_above_bytes", 45_000, in: 1...1e9, "K, the length of the queue above which packets are marked.")
  static let buffer = CongestedPath.bufferBytes.with(1_000_000)

  static let utilization = Metric("utilization", "utilization")
  static let queueOverK = Metric("queue_over_k", "mean queue over K")
  /// However far above or below.
  static let factor = Metric("queue_factor", "factor between mean queue and K")
  static let marked = Metric("marked_share", "share marked")
  static let droppedInAll = Metric("dropped_in_all", "segments dropped", places: 1)
  static let alpha = Metric("alpha", "alpha")

  static func cells(_ plan: StudyPlan) -> [StudyCell] {
    plan[flows].flatMap { count in
      plan[schemes].map { StudyCell().with(schemes, $0).with(ecn, true).with(flows, count) }
        + plan[withoutECN].map { StudyCell().with(schemes, $0).with(ecn, false).with(flows, count) }
    }
  }

  static func check(_ plan: StudyPlan) throws {
    try Study.require(
      plan[threshold] < plan[buffer], "The threshold does not lie within the buffer.",
      remedy: "Mark above 1 to \(max(plan[buffer] - 1, 1)) bytes.")
    try Study.require(
      !plan[withoutECN].contains { $0.kind == .dctcp || $0.kind == .kernelDCTCP },
      "DCTCP without ECN would be Reno.",
      remedy: "Leave dctcp and dctcp-kernel out of without_ecn.")
    try link(plan, round: 0).validate()
  }

  static func link(_ plan: StudyPlan, round: Int) -> LinkConfiguration {
    .path(
      mbps: plan[Common.rateMbps], rttMs: plan[Common.rttMs], bufferBytes: plan[buffer],
      markAboveBytes: plan[threshold], seed: plan.seed(round: round))
  }

  /// How long a queue of K bytes takes to drain, in ms.
  static func thresholdMs(_ plan: StudyPlan) -> Double {
    Double(plan[threshold]) * 8 / (plan[Common.rateMbps] * 1e3)
  }

  /// C·RTT in bytes.
  private static func productBytes(_ plan: StudyPlan) -> Double {
    plan[Common.rateMbps] * 1e3 / 8 * plan[Common.rttMs]
  }

  /// What K has to exceed so that DCTCP's queue is never empty: C·RTT/7 (Alizadeh et al., "Data Center TCP
  /// (DCTCP)", SIGCOMM 2010, §3.4, equation 13).
  static func leastThresholdBytes(_ plan: StudyPlan) -> Double { productBytes(plan) / 7 }

  /// The mean of DCTCP's queue by the same paper's analysis (§3.3), over K: a saw from K + N packets down by
  /// ½ √(2 N (C·RTT + K)), for N flows in step.
  static func modelQueueOverK(_ plan: StudyPlan, flows: Int) -> Double {
    let packet = LinkCell.packetBytes
    let (product, threshold) = (productBytes(plan) / packet, Double(plan[threshold]) / packet)
    let amplitude = (2 * Double(flows) * (product + threshold)).squareRoot() / 2
    return (threshold + Double(flows) - amplitude / 2) / threshold
  }

  private static func reading(
    _ outcome: FlowTrial.Outcome, _ plan: StudyPlan
  ) -> Reading {
    var reading = outcome.reading
    let (path, window) = (outcome.report.forward, outcome.report.forward.windows[1])
    let capacity = plan[Common.rateMbps] * LinkCell.payloadBytes / LinkCell.packetBytes
    reading[utilization] = (reading[FlowMetrics.goodput] ?? 0) / capacity
    let over = (reading[FlowMetrics.queue.mean] ?? 0) / thresholdMs(plan)
    // An empty queue is as far off as can be told.
    (reading[queueOverK], reading[factor]) = (over, max(over, 1 / max(over, 1e-6)))
    reading[marked] = Double(window.markedSegments) / Double(max(window.deliveredSegments, 1))
    reading[droppedInAll] = Double(path.droppedSegments)
    reading[alpha] = outcome.dctcp?.meanAlpha
    if let reno = outcome.dctcp?.flowsWithoutECN, reno > 0 {
      reading.faults.append("\(reno) went over to Reno")
    }
    return reading
  }

  /// A scheme that this kernel has not is left out, and the result says why.
  static func leftOut(_ absence: TestbedError) -> Reading {
    var reading = Reading()
    reading.notes = ["left out: \(absence.message)"]
    return reading
  }

  static func course(_ prefix: String) -> Study.Course {
    .trials(.shuffled) { plan, context in
      let all = plan[schemes] + plan[withoutECN]
      let series = try TrialSeries(
        all.filter { $0.absence() == nil }, prefix: prefix, context: context)
      return { cell, round in
        if let absence = cell[schemes].absence() { return leftOut(absence) }
        var trial = FlowTrial(
          link: link(plan, round: round), flows: cell[flows], seconds: plan.seconds, warmUp: plan.warmUp)
        trial.asksForECN = cell[ecn]
        return reading(try series.run(cell[schemes], trial), plan)
      }
    }
  }
}
