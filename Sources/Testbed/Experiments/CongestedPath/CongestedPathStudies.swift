import TestbedReport

extension CongestedPath {
  private static let schemes = Common.schemes
  private static let userSpace = """
    User space in the manner of CCP: the kernel runs the same controller and reports by ring buffer, a \
    process infers and writes the action back; from 10 ms on features span the report interval and the whole \
    controller acts at reports; at shorter ones about a round trip, as in the kernel. Per decision the \
    kernel reports once a monitor interval, when the network is to decide. The same snapshot everywhere; \
    ONNX Runtime runs its float network.
    """
  private static let goodputs = "goodput, 1 ms over 100 ms"
  private static let queues = "longest queue's deviation, 100 ms over 1 ms"
  private static let waits = "wait's deviation, 100 ms over 1 ms"

  /// The interval against goodput and queue, as `fig1` has them.
  private static let intervalFigures = [
    Figure.ratio(goodputs, FlowMetrics.goodput, schemes("user-1ms"), over: schemes("user-100ms")),
    .ratio(queues, longestQueueDeviation, schemes("user-100ms"), over: schemes("user-1ms")),
    .ratio(waits, queueDeviation, schemes("user-100ms"), over: schemes("user-1ms")),
  ]

  private static let placeFigures = [
    Figure.ratio(
      "in kernel over 100 ms: goodput", FlowMetrics.goodput, schemes("medulla"), over: schemes("user-100ms")),
    .ratio("in kernel over 100 ms: distance", distance, schemes("medulla"), over: schemes("user-100ms")),
    .ratio(
      "in kernel over 100 ms: deviation", FlowMetrics.deviation, schemes("medulla"),
      over: schemes("user-100ms")),
    .ratio(
      "in kernel over ONNX, 100 ms: goodput", FlowMetrics.goodput, schemes("medulla"),
      over: schemes("onnx-100ms")),
    .ratio(
      "in kernel over per ACK: goodput", FlowMetrics.goodput, schemes("medulla"), over: schemes("user-ack")),
    .ratio(
      "in kernel over per decision: goodput", FlowMetrics.goodput, schemes("medulla"),
      over: schemes("user-decision")),
  ]

  private static let converged = """
    Under constant congestion a network that has converged has nothing to decide: with a hundred inferences \
    in ten seconds it does no worse than with nine hundred. Congestion that comes and goes shows the gap: \
    changing-congestion.
    """

  private static func plots(_ free: @escaping PlotRecipe.Rules) -> [PlotRecipe] {
    [
      .bars("Goodput", FlowMetrics.goodput, rules: free),
      .bars("Deviation from one tenth of a second to the next", FlowMetrics.deviation),
      .bars("Wait in the bottleneck's queue, mean", FlowMetrics.queue.mean),
      .distribution("Goodput over 0.1 s", of: goodputSeries, x: PlotAxis("goodput (Mbit/s)")),
      .overTime(
        "Mean wait in the queue in each 10 ms of the first round", [(queueSeries, "")], step: { _ in 0.01 },
        y: PlotAxis("ms"),
        rules: { plan in
          [.init(.y, at: Double(plan[bufferBytes]) * 8 / plan[Common.rateMbps] / 1000, "full buffer")]
        }),
    ]
  }

  private static let metrics = [
    FlowMetrics.goodput, FlowMetrics.deviation, distance, FlowMetrics.queue.mean, queueDeviation,
    longestQueueDeviation, FlowMetrics.retransmits,
  ]

  static let fig1 = Study(
    "fig1", "The interval between kernel and user space, against goodput and queue.",
    discussion: """
      One flow steered from user space with reports every 1, 10 and 100 ms over a congested 1 Gbit/s, and \
      from the kernel. Needs root; three minutes, --quick half a minute.
      """,
    method: """
      As fig11. Goodput over 0.1 s as a distribution; the queue is the longest, and the mean wait, that the \
      emulated bottleneck saw in each 10 ms. \(userSpace)
      """,
    paper: PaperFigure(
      "Figure 1, §2.2", "Mean goodput falls from 672.08 Mbit/s (1 ms) to 585.17 (100 ms).",
      "The queue is small and stable at 1 ms; it grows and oscillates with the interval."),
    keys: keys(SteeringScheme.list("user-1ms", "user-10ms", "user-100ms", "medulla"), repeats: 3),
    quick: { shorten(&$0, SteeringScheme.list("user-1ms", "user-100ms")) }, cells: cells,
    check: check, course: course("f1"), metrics: metrics, figures: intervalFigures,
    bounds: [
      // 672.08 over 585.17 Mbit/s.
      Bound(goodputs, .atLeast(1.148), .paper("§2.2"), by: .interval, explanation: converged),
      Bound(queues, .atLeast(1), .paper("§2.2"), by: .interval, explanation: converged),
      Bound(waits, .atLeast(1), .paper("§2.2"), by: .interval, judged: false, explanation: converged),
    ], plots: plots { [.init(.y, at: freeMbps($0, duty: 1), "what the background leaves")] })

  static let fig11 = Study(
    "fig11", "One flow beside UDP on 1 Gbit/s: goodput by who infers, and where.",
    discussion: """
      The shipped network in the kernel and in user space (reports per ACK, every 1, 10 and 100 ms; lean C \
      and ONNX Runtime from Python), beside CUBIC and BBR. Needs root; 20 minutes, --quick half one.
      """,
    method: """
      One iperf3 flow over an emulated link of 1 Gbit/s, 10 ms and 150 kB of buffer with 0.1 Gbit/s of UDP. \
      Goodput is what the receiving program read after the warm-up; its deviation is that of values over \
      0.1 s within a run. \(userSpace)
      """,
    paper: PaperFigure(
      "Figure 11, §5.1",
      "Goodput 845.12 Mbit/s for LF-Aurora and 585.17 for CCP-Aurora at 100 ms (44.4% more); 851.16 and "
        + "672.12 for MOCC (26.6%).",
      "LF-Aurora is comparable to CCP-Aurora per ACK, and its deviation is much smaller than with large "
        + "intervals."),
    keys: keys(
      SteeringScheme.list(
        "medulla", "user-ack", "user-decision", "user-1ms", "user-10ms", "user-100ms", "onnx-ack",
        "onnx-100ms", "cubic",
        "bbr")),
    quick: { shorten(&$0, SteeringScheme.list("medulla", "user-100ms")) }, cells: cells,
    check: check, course: course("f11"), metrics: metrics, figures: placeFigures,
    bounds: [
      // 845.12 over 585.17 Mbit/s.
      Bound(
        "in kernel over 100 ms: goodput", .atLeast(1.44), .paper("§5.1"), by: .interval,
        explanation: converged),
      Bound("in kernel over 100 ms: deviation", .atMost(1), .paper("§5.1"), by: .interval),
    ], plots: plots { [.init(.y, at: freeMbps($0, duty: 1), "what the background leaves")] })

  static let changing = Study(
    "changing-congestion", "One flow beside UDP that comes and goes on 1 Gbit/s.",
    discussion: """
      fig1 and fig11 where there is something to decide: 0.8 Gbit/s of UDP, one second on and one off. \
      Needs root; 8 minutes, --quick half one.
      """,
    method: """
      As fig11, but with 0.8 Gbit/s of UDP, one second on and one off. The distance is the root mean square \
      of the difference between goodput over 0.1 s and what the background leaves then. The setting was \
      found after fig1 and fig11 had been measured as the paper has them. \(userSpace)
      """,
    keys: [background.with(800), on.with(1), off.with(1)]
      + keys(
        SteeringScheme.list(
          "medulla", "user-ack", "user-decision", "user-1ms", "user-10ms", "user-100ms", "onnx-ack",
          "onnx-100ms", "cubic",
          "bbr"), repeats: 3
      ).filter { ![background.name, on.name, off.name].contains($0.name) },
    quick: { shorten(&$0, SteeringScheme.list("medulla", "user-1ms", "user-100ms")) }, cells: cells,
    check: check, course: course("cc"), metrics: metrics, figures: placeFigures + intervalFigures,
    bounds: [
      Bound("in kernel over 100 ms: goodput", .atLeast(1.44), .ours, by: .interval),
      Bound("in kernel over 100 ms: distance", .atMost(1), .ours, by: .interval),
      Bound(goodputs, .atLeast(1.148), .ours, by: .interval), Bound(waits, .atLeast(1), .ours, by: .interval),
    ],
    plots: plots { plan in
      let duty = plan[on] / max(plan[on] + plan[off], 1e-9)
      return [.init(.y, at: freeMbps(plan, duty: duty), "what the background leaves")]
    })
}
