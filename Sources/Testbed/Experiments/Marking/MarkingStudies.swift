import TestbedBaselines

extension Marking {
  private static let method = """
    iperf3 flows over an emulated link with an ECN threshold K. net.ipv4.tcp_ecn is 1 at both ends, so that \
    every connection asks for ECN; for the rows without ECN it is 2, the kernel's own, and nobody asks. \
    DCTCP is our eBPF program, at the receiver too, which echoes each mark; beside it the kernel's own, \
    where there is one, else it is left out with a note; the others' receivers echo as RFC 3168 says, each \
    mark until the sender has answered. Utilization is the goodput after the warm-up over 1448/1500 of the \
    rate; the queue is the wait of segments in the emulated bottleneck.
    """
  private static let unfair = """
    DCTCP's flows share unevenly on this link. Its alpha has ten bits, as in the kernel's own module, so \
    that a share of marks below 1/64 adds nothing to it; whether that is the cause is not shown.
    """
  private static let burst = """
    A sender's segmentation offload hands over a millisecond of 1.2 times the rate at once, 30 kB, for which \
    a K of C·RTT/7 has no room, so that one flow leaves 2 to 7% of the link idle; marking-with-burst has a K \
    that has the room.
    """

  /// What DCTCP promises where K follows its guideline, and what `links` asks of the network.
  private static func bounds(idle: String) -> [Bound] {
    let own = schemes("medulla")
    let (dctcp, asks) = (schemes("dctcp"), ecn(true))
    let several = flows.standard.filter { $0 > 1 }
    return [
      Bound(each: utilization, dctcp, asks, to: .atLeast(0.95), .ours, by: .interval, explanation: idle),
      Bound(each: factor, dctcp, asks, to: .atMost(1.5), .ours, by: .interval, explanation: idle),
      Bound(each: utilization, own, asks, to: .atLeast(0.9), .ours, by: .interval, explanation: idle),
      Bound(each: queueOverK, own, asks, to: .atMost(1), .ours, by: .interval),
      Bound(each: droppedInAll, dctcp, asks, to: .atMost(0), .ours),
      Bound(each: droppedInAll, own, asks, to: .atMost(0), .ours),
    ]
      + several.flatMap { count in
        [
          Bound(
            each: FlowMetrics.jain, dctcp, asks, flows(count), to: .atLeast(0.9), .ours, by: .interval,
            explanation: unfair),
          Bound(each: FlowMetrics.jain, own, asks, flows(count), to: .atLeast(0.9), .ours, by: .interval),
        ]
      }
  }

  private static let figures =
    [
      Figure("K over C·RTT/7") { Estimate(Double($0.plan[threshold]) / leastThresholdBytes($0.plan)) }
    ]
    + flows.standard.flatMap { count in
      [
        Figure("DCTCP, \(flows.title(count)): mean queue over K by its model") {
          Estimate(modelQueueOverK($0.plan, flows: count))
        },
        .ratio(
          "DCTCP, \(flows.title(count)): mean queue, ours over the kernel's", queueOverK, schemes("dctcp"),
          ecn(true), flows(count), over: schemes("dctcp-kernel"), ecn(true), flows(count)),
        .ratio(
          "in kernel, \(flows.title(count)): goodput over that without ECN", utilization, schemes("medulla"),
          ecn(true), flows(count), over: schemes("medulla"), ecn(false), flows(count)),
        .ratio(
          "in kernel, \(flows.title(count)): queue over that without ECN", queueOverK, schemes("medulla"),
          ecn(true), flows(count), over: schemes("medulla"), ecn(false), flows(count)),
      ]
    }

  private static let plots: [PlotRecipe] = [
    .bars("Goodput over what the link carries", utilization, by: flows.part, range: 0...1.05),
    .bars(
      "Wait in the queue, mean", FlowMetrics.queue.mean, by: flows.part, scale: .logarithmic,
      rules: { [.init(.y, at: thresholdMs($0), "K")] }),
    .bars(
      "Wait in the queue, 95%", FlowMetrics.queue.p95, by: flows.part, scale: .logarithmic,
      rules: { [.init(.y, at: thresholdMs($0), "K")] }),
    .bars("Segments marked", marked, by: flows.part, range: 0...1),
  ]

  private static func study(
    _ name: String, kilobytes: Int, prefix: String, title: String, method more: String, bounds: [Bound]
  ) -> Study {
    Study(
      name, title,
      discussion: """
        200 Mbit/s, 10 ms; packets that find more than \(kilobytes) kB waiting are marked, and 1 MB fits. 1, \
        2 and 4 flows. Needs root; 15 minutes, --quick half one.
        """, method: method + more,
      keys: [
        schemes, withoutECN, flows, Common.rateMbps.with(200), Common.rttMs.with(10),
        threshold.with(kilobytes * 1_000), buffer, Common.seconds.with(14), Common.warmUp.with(4),
        Common.repeats,
      ],
      quick: { plan in
        (plan[schemes], plan[withoutECN]) = (SteeringScheme.list("dctcp", "medulla", "cubic"), [])
        (plan[flows], plan[Common.seconds], plan[Common.warmUp], plan[Common.repeats]) = ([2], 4, 2, 1)
      }, cells: cells, check: check, course: course(prefix),
      metrics: [
        utilization, queueOverK, FlowMetrics.goodput, FlowMetrics.queue.mean, FlowMetrics.queue.p95, marked,
        FlowMetrics.jain, FlowMetrics.retransmits, alpha,
      ], figures: figures, bounds: bounds, plots: plots)
  }

  static let atGuideline = study(
    "marking", kilobytes: 45, prefix: "mk",
    title: "DCTCP, the network, CUBIC and BBR on a link that marks above a threshold.", method: "",
    bounds: bounds(idle: burst))

  static let withBurst = study(
    "marking-with-burst", kilobytes: 66, prefix: "mb",
    title: "The same link with a threshold that has room for one burst.",
    method:
      " K is DCTCP's guideline and 30 kB, which a sender hands over at once; it was found after marking had "
      + "been measured at the guideline.", bounds: bounds(idle: ""))
}
