extension Concurrency {
  private static func shorten(_ plan: inout StudyPlan, _ names: String...) {
    plan[schemes] = names.compactMap { SteeringScheme($0) }
    plan[flows] = plan[flows].count > 1 ? [2, 10] : plan[flows]
    (plan[Common.seconds], plan[Common.warmUp], plan[Common.repeats]) = (4, 2, 1)
  }

  private static let method = """
    iperf3 with N flows over an emulated link of 2 Gbit/s and 10 ms. The sender, the user process and what \
    returns to the sender are kept to processor 0, the receiver and the emulator to processor 1. Goodput of \
    all flows after the warm-up over BBR's with the same N, of the same round; 95% intervals by Student's t.
    """
  private static let limited = """
    iperf3 with N flows over an emulated link of 10 ms and 5 Gbit/s, which is more than the sender's \
    processor fills. The sender, the user process, what returns to the sender and the emulator, in place of \
    the delay in the sender's own kernel (netem in the paper), are kept to processor 0, the receiver to \
    processor 1: what inference takes is missing for sending. Features are of round trips, however seldom \
    they are reported. Goodput of all flows after the warm-up over BBR's with the same N, of the same round; \
    95% intervals by Student's t. The setting was found after fig3 and fig13 had been measured as first set.
    """
  private static let idle = """
    Where the processor does not limit the flows, inference takes nothing from them: segmentation offload \
    makes 11,000 ACKs a second of 2 Gbit/s, and a user process that falls behind holds no packet up. \
    sender-limited shows the gap.
    """

  static let fig3 = Study(
    "fig3", "2 to 10 flows steered from user space: goodput over BBR's, by interval.",
    discussion: "As fig13, without inference in the kernel. Needs root and a quiet machine; 40 minutes.",
    method: method + " User space is lean C, as CCP's is compiled, at the paper's intervals.",
    paper: PaperFigure(
      "Figure 3, §2.2",
      "Normalised throughput falls with the number of flows and with a smaller interval: 10 flows at 1 ms "
        + "reach 5.5 Gbit/s, BBR 16.1."),
    keys: keys("bbr", "user-1ms", "user-10ms", "user-100ms"),
    quick: { shorten(&$0, "bbr", "user-1ms", "user-100ms") }, cells: cells, check: check,
    course: course("f3"), metrics: metrics,
    figures: [
      mostFlows("user space, 1 ms over 100 ms", "user-1ms", over: "user-100ms"),
      leastShare("user space, 1 ms", "user-1ms"), leastShare("user space, 10 ms", "user-10ms"),
      leastShare("user space, 100 ms", "user-100ms"),
    ],
    bounds: [
      Bound("user space, 1 ms over 100 ms", .atMost(0.95), .paper("§2.2"), by: .interval, explanation: idle)
    ],
    plots: plots)

  static let fig13 = Study(
    "fig13", "2 to 10 flows: goodput over BBR's, by who infers, and where.",
    discussion: """
      In the kernel, in user space per ACK and every 1, 10 and 100 ms, CUBIC and BBR. Needs root and a quiet \
      machine; an hour, --quick one minute; `--repeats 3` twenty minutes.
      """, method: method + " User space is lean C.",
    paper: PaperFigure(
      "Figure 13, §5.1", "LF-Aurora and LF-MOCC lose less than 5% against BBR and outperform CUBIC by 17.5%.",
      "They outperform CCP-Aurora and CCP-MOCC by up to 63.5%."),
    keys: keys("bbr", "medulla", "cubic", "user-ack", "user-decision", "user-1ms", "user-10ms", "user-100ms"),
    quick: { shorten(&$0, "bbr", "medulla", "user-ack", "user-1ms") }, cells: cells, check: check,
    course: course("f13"), metrics: metrics,
    figures: [
      leastShare("in kernel", "medulla"), leastShare("user space per ACK", "user-ack"),
      leastShare("user space per decision", "user-decision"),
      leastShare("user space, 1 ms", "user-1ms"), leastShare("CUBIC", "cubic"),
    ],
    bounds: [
      Bound("in kernel: least share of BBR's", .atLeast(0.97), .paper("§5.1"), by: .interval),
      Bound(
        "user space per ACK: least share of BBR's", .atMost(0.95), .paper("§5.1"), by: .interval,
        explanation: idle),
      Bound(
        "user space, 1 ms: least share of BBR's", .atMost(0.95), .paper("§5.1"), by: .interval,
        explanation: idle),
    ], plots: plots)

  static let senderLimited = Study(
    "sender-limited", "2 to 10 flows that the sender's processor limits: goodput over BBR's.",
    discussion: """
      fig13 with the emulator on the sender's processor. Needs root and a quiet machine; 45 minutes, --quick \
      one minute; `--repeats 3` a quarter of an hour.
      """, method: limited,
    keys: keys(
      "bbr", "medulla", "cubic", "user-ack", "user-decision", "user-1ms", "user-10ms", "user-100ms",
      mbps: 5_000, bufferBdp: 1,
      seconds: 5, warmUp: 2, besideSender: true, roundTrips: true),
    quick: { shorten(&$0, "bbr", "medulla", "user-ack", "user-1ms") }, cells: cells, check: check,
    course: course("sl"), metrics: metrics,
    figures: [
      leastShare("in kernel", "medulla"), leastShare("user space per ACK", "user-ack"),
      leastShare("user space per decision", "user-decision"),
      leastShare("user space, 1 ms", "user-1ms"), leastShare("CUBIC", "cubic"),
      mostFlows("user space, 1 ms over 100 ms", "user-1ms", over: "user-100ms"),
      .mean("busy share of the sender's processor under BBR", FlowMetrics.senderBusy, schemes("bbr")),
    ],
    bounds: [
      Bound("in kernel: least share of BBR's", .atLeast(0.97), .ours, by: .interval),
      Bound("user space per ACK: least share of BBR's", .atMost(0.95), .ours, by: .interval),
      Bound(
        "user space, 1 ms: least share of BBR's", .atMost(0.95), .ours, by: .interval,
        explanation: "Lean C keeps up with 24,000 reports a second, and takes 2 to 4% at an interval of 1 ms."
      ),
      Bound("busy share of the sender's processor under BBR", .atLeast(0.9), .ours, by: .interval),
    ], plots: plots)

  static let engine = Study(
    "user-space-engine",
    "2 to 10 flows that the sender's processor limits, steered by an engine from Python.",
    discussion: """
      sender-limited with ONNX Runtime in place of lean C. Needs root, a quiet machine, and Python with \
      onnxruntime; 45 minutes, --quick one minute.
      """, method: limited + " The user process is ONNX Runtime from Python, which has the float network.",
    keys: keys(
      "bbr", "medulla", "onnx-ack", "onnx-1ms", "onnx-10ms", "onnx-100ms", mbps: 5_000, bufferBdp: 1,
      seconds: 5,
      warmUp: 2, besideSender: true, roundTrips: true),
    quick: { shorten(&$0, "bbr", "medulla", "onnx-1ms", "onnx-100ms") }, cells: cells, check: check,
    course: course("ue"), metrics: metrics,
    figures: [
      leastShare("in kernel", "medulla"), leastShare("ONNX Runtime per ACK", "onnx-ack"),
      leastShare("ONNX Runtime, 1 ms", "onnx-1ms"),
      mostFlows("ONNX Runtime, 1 ms over 100 ms", "onnx-1ms", over: "onnx-100ms"),
    ],
    bounds: [
      Bound("in kernel: least share of BBR's", .atLeast(0.97), .ours, by: .interval),
      Bound("ONNX Runtime per ACK: least share of BBR's", .atMost(0.95), .ours, by: .interval),
      Bound("ONNX Runtime, 1 ms: least share of BBR's", .atMost(0.95), .ours, by: .interval),
      Bound("ONNX Runtime, 1 ms over 100 ms", .atMost(0.95), .ours, by: .interval),
    ], plots: plots)

  private static func above(
    _ name: String, _ metric: Metric, _ scheme: String, less other: String
  ) -> Figure {
    .difference(name, metric, schemes(scheme), less: schemes(other))
  }
  private static let loadMetrics = [
    FlowMetrics.senderSoftirq, FlowMetrics.agent, FlowMetrics.senderBusy, FlowMetrics.spent,
    FlowMetrics.goodput,
  ]
  private static let loadPlots: [PlotRecipe] = [
    .bars("Busy share of the sender's processor", FlowMetrics.senderBusy, range: 0...1),
    .bars("Softirq's share of it", FlowMetrics.senderSoftirq, range: 0...1),
    .bars("The user process's", FlowMetrics.agent, range: 0...1),
  ]
  private static let loadMethod = """
    iperf3 with ten flows on 500 Mbit/s and 10 ms, so that every scheme carries the same load. Shares of the \
    time of processor 0, where the sender and the user process are, and what returns to the sender is \
    handled; receiver and emulator are kept to processor 1; /proc/stat as mpstat reads it. Busy is all that \
    the processor does; spent is softirq, the sender and the user process together, without other programs.
    """

  static let fig4 = Study(
    "fig4", "Ten flows: softirq's and the user process's share of the sender's processor.",
    discussion: "In the kernel and from user space, at one load. Needs root and a quiet machine; 12 minutes.",
    method: loadMethod + " User space is lean C.",
    paper: PaperFigure(
      "Figure 4, §2.2",
      "With BBR softirq takes about 12.6% of the execution time; with CCP-Aurora 20.6% at 100 ms and 72.3% "
        + "at 1 ms."),
    keys: keys(
      "bbr", "medulla", "user-ack", "user-decision", "user-1ms", "user-10ms", "user-100ms", mbps: 500,
      count: [10]),
    quick: { shorten(&$0, "bbr", "medulla", "user-ack", "user-100ms") }, cells: cells, check: check,
    course: course("f4"), metrics: loadMetrics,
    figures: [
      above("busy, in kernel above BBR", FlowMetrics.senderBusy, "medulla", less: "bbr"),
      above("busy, user space per ACK above in kernel", FlowMetrics.senderBusy, "user-ack", less: "medulla"),
      above(
        "busy, user space per decision above in kernel", FlowMetrics.senderBusy, "user-decision",
        less: "medulla"),
      above("busy, user space at 1 ms above 100 ms", FlowMetrics.senderBusy, "user-1ms", less: "user-100ms"),
      above("spent, in kernel above BBR", FlowMetrics.spent, "medulla", less: "bbr"),
      above("spent, user space per ACK above in kernel", FlowMetrics.spent, "user-ack", less: "medulla"),
      .ratio(
        "softirq, user space at 1 ms over 100 ms", FlowMetrics.senderSoftirq, schemes("user-1ms"),
        over: schemes("user-100ms")),
    ],
    bounds: [
      Bound("busy, in kernel above BBR", .atMost(0.05), .ours, by: .interval),
      Bound("busy, user space per ACK above in kernel", .atLeast(0.05), .ours, by: .interval),
      Bound("spent, in kernel above BBR", .atMost(0.05), .ours, by: .interval, judged: false),
      Bound("spent, user space per ACK above in kernel", .atLeast(0.05), .ours, by: .interval, judged: false),
      // 72.3 over 20.6%.
      Bound(
        "softirq, user space at 1 ms over 100 ms", .atLeast(3.5), .paper("§2.2"), by: .interval,
        judged: false,
        explanation: "The paper's flows had many times as many ACKs, each of which may be reported."),
    ], plots: loadPlots)

  static let engineLoad = Study(
    "user-space-engine-load", "Ten flows: what an engine from Python takes of the sender's processor.",
    discussion:
      "fig4 with ONNX Runtime. Needs root, a quiet machine, and Python with onnxruntime; 10 minutes.",
    method: loadMethod + " User space is ONNX Runtime from Python.",
    keys: keys("bbr", "medulla", "onnx-1ms", "onnx-100ms", mbps: 500, count: [10]),
    quick: { shorten(&$0, "bbr", "onnx-1ms", "onnx-100ms") }, cells: cells, check: check,
    course: course("ul"), metrics: loadMetrics,
    figures: [
      above(
        "busy, ONNX Runtime at 1 ms above 100 ms", FlowMetrics.senderBusy, "onnx-1ms", less: "onnx-100ms"),
      above("spent, ONNX Runtime at 1 ms above 100 ms", FlowMetrics.spent, "onnx-1ms", less: "onnx-100ms"),
    ],
    bounds: [Bound("busy, ONNX Runtime at 1 ms above 100 ms", .atLeast(0.05), .ours, by: .interval)],
    plots: loadPlots)
}
