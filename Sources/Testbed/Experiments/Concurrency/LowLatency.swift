extension Concurrency {
  /// The paper's dummy: a network of Aurora's structure whose answer is always the line rate.
  static let lowLatency = Study(
    "low-latency", "2 to 6 flows without any delay, steered by a network whose answer is always the same.",
    discussion: """
      What the way through the network costs where round trips are short: a dummy network in the kernel, \
      beside BBR. Needs root and a quiet machine; ten minutes, --quick half one.
      """,
    method: """
      As sender-limited, but without any delay on the path: a round trip is what the machine takes. The \
      dummy has the layers of the shipped network and is inferred at every decision as it is; its last layer \
      has weights of 0 and a bias of 10, the largest action that the controller takes, so that the rate is \
      always as high as the path takes up. The paper modified generated code to the same end. Goodput of all \
      flows after the warm-up over BBR's with the same N, of the same round; 95% intervals by Student's t.
      """,
    paper: PaperFigure(
      "§5.1, high throughput and low latency",
      "Without added delay a network of Aurora's structure that always sets the line rate (LF-Dummy-NN) is "
        + "within 5% of BBR with 2, 4 and 6 flows; Aurora itself could not be tuned for it."),
    keys: keys(
      "bbr", "dummy", "medulla", mbps: 5_000, bufferBdp: 1, rttMs: 0, seconds: 5, warmUp: 2,
      count: [2, 4, 6],
      besideSender: true),
    quick: { plan in
      (plan[flows], plan[schemes]) = ([2], SteeringScheme.list("bbr", "dummy"))
      (plan[Common.seconds], plan[Common.warmUp], plan[Common.repeats]) = (4, 2, 1)
    }, cells: cells, check: check, course: course("ll"), metrics: metrics,
    figures: [
      leastShare("dummy in kernel", "dummy"), leastShare("in kernel", "medulla"),
      .mean("busy share of the sender's processor under BBR", FlowMetrics.senderBusy, schemes("bbr")),
    ],
    bounds: [
      Bound("dummy in kernel: least share of BBR's", .atLeast(0.95), .paper("§5.1"), by: .interval),
      // Where the processor does not limit the flows no scheme loses anything.
      Bound("busy share of the sender's processor under BBR", .atLeast(0.9), .ours, by: .interval),
    ], plots: plots)
}
