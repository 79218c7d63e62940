import TestbedLink
import TestbedReport

/// Links whose rate changes all the time: the study `traces`.
enum VariableRate {
  private static let schemes = Common.schemes.with(SteeringScheme.list("medulla", "cubic", "bbr"))
  private static let traces = Axis(
    "traces", "trace", DrawnTrace.allCases.map(\.rawValue),
    "Drawn traces by name, and files in Mahimahi's format.")
  private static let buffer = CongestedPath.bufferBytes

  private static let utilization = Metric("utilization", "utilization")
  private static let delivered = "delivered_mbps"
  private static let given = "given_mbps"

  private static func trace(_ name: String, _ plan: StudyPlan) throws -> DeliveryTrace {
    guard let drawn = DrawnTrace(rawValue: name) else { return try DeliveryTrace(path: name) }
    return try drawn.trace(seconds: plan.seconds + 2, seed: plan.seed)
  }

  private static func reading(
    _ outcome: FlowTrial.Outcome, _ trace: DeliveryTrace, _ plan: StudyPlan
  ) -> Reading {
    var reading = outcome.reading
    let path = outcome.report.forward
    let (window, origin) = (path.windows[1], path.windows[0].startNanoseconds)
    let capacity = trace.capacityMbps(
      from: Double(window.startNanoseconds - origin) / 1e9, to: Double(window.endNanoseconds - origin) / 1e9)
    reading[utilization] = capacity > 0 ? (reading[FlowMetrics.goodput] ?? 0) / capacity : 0
    let perHalf = max(1, Int(500_000_000 / max(path.bins.binNanoseconds, 1)))
    let bytes = path.bins.deliveredBytes
    reading.series[delivered] = stride(from: 0, to: bytes.count, by: perHalf).map { start in
      let sum = Double(bytes[start..<min(start + perHalf, bytes.count)].reduce(0, +)) * 8 / 0.5e6
      return (sum * 100).rounded() / 100
    }
    // Delivered bytes count whole packets.
    reading.series[given] = (0..<plan.seconds * 2).map {
      trace.capacityMbps(from: Double($0) / 2, to: Double($0 + 1) / 2) * LinkCell.packetBytes
        / LinkCell.payloadBytes
    }
    return reading
  }

  private static func overCubic(_ trace: String) -> Figure {
    .ratio(
      "\(trace): queue p95 over CUBIC's", FlowMetrics.queue.p95, traces(trace), schemes("medulla"),
      over: traces(trace), schemes("cubic"))
  }

  static let study = Study(
    "traces", "One flow over links whose rate changes all the time.",
    discussion: """
      Three drawn traces (steps, a sawtooth, a random walk of 1 to 48 Mbit/s); `--traces wired24` takes a \
      file in Mahimahi's format. Needs root; 16 minutes, --quick half one.
      """,
    method: """
      The bottleneck serves a packet at each opportunity of the trace; 40 ms, 150 kB of buffer. Utilization \
      is the goodput over the payload of the opportunities in the measured time.
      """,
    keys: [
      traces, schemes, Common.rttMs.with(40), buffer, Common.seconds.with(35), Common.warmUp.with(5),
      Common.repeats,
    ],
    quick: { plan in
      plan[traces] = [DrawnTrace.steps.rawValue]
      (plan[Common.seconds], plan[Common.warmUp], plan[Common.repeats]) = (10, 2, 1)
    }, cells: { [StudyCell].one.times(traces, $0).times(schemes, $0) },
    check: { plan in for name in plan[traces] { _ = try trace(name, plan) } },
    course: .trials(.shuffled) { plan, context in
      let series = try TrialSeries(plan[schemes], prefix: "tr", context: context)
      return { cell, round in
        let trace = try trace(cell[traces], plan)
        let link = LinkConfiguration.path(
          mbps: nil, rttMs: plan[Common.rttMs], bufferBytes: plan[buffer], trace: trace,
          seed: plan.seed(round: round))
        let trial = FlowTrial(link: link, seconds: plan.seconds, warmUp: plan.warmUp)
        return reading(try series.run(cell[schemes], trial), trace, plan)
      }
    },
    metrics: [utilization, FlowMetrics.queue.p95, FlowMetrics.queue.mean, FlowMetrics.goodput],
    figures: DrawnTrace.allCases.map { overCubic($0.rawValue) },
    bounds: [Bound(each: utilization, schemes("medulla"), to: .atLeast(0.7), .ours, by: .interval)]
      + DrawnTrace.allCases.map {
        Bound("\($0.rawValue): queue p95 over CUBIC's", .atMost(1), .ours, by: .interval)
      },
    plots: [
      .overTime(
        "Delivered in each half second of the first round",
        [(given, "what the trace gives"), (delivered, "delivered")], step: { _ in 0.5 },
        y: PlotAxis("Mbit/s"), apart: traces.part),
      .bars("Utilization", utilization, by: schemes.part),
    ])
}
