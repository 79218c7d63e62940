/// The experiment `fig11`: goodput of one flow under congestion, mean and deviation.
public struct GoodputExperiment: Experiment {
  public static let facts = ExperimentFacts(
    name: "fig11", title: "One flow beside UDP on 1 Gbit/s: goodput by who infers, and where.",
    discussion: """
      The shipped network in the kernel and in user space (reports per ACK, every 1, 10 and 100 ms; lean C \
      and ONNX Runtime from Python), beside CUBIC and BBR. Needs root; 20 minutes, --quick one.
      """,
    method: """
      One iperf3 flow over an emulated link of 1 Gbit/s, 10 ms and 150 kB of buffer with 0.1 Gbit/s of UDP. \
      Goodput is what the receiving program read after the warm-up; its deviation is that of values over \
      0.1 s within a run. User space in the manner of CCP: the kernel runs the same controller and reports \
      by ring buffer, a process infers and writes the action back; from 10 ms on features \
      span the report interval and the whole controller acts at reports; at shorter ones about a round trip, \
      as in the kernel. The same snapshot everywhere; ONNX \
      Runtime runs its float network.
      """,
    paper: PaperFigure(
      "Figure 11, §5.1",
      "Goodput 845.12 Mbit/s for LF-Aurora and 585.17 for CCP-Aurora at 100 ms (44.4% more); 851.16 and "
        + "672.12 for MOCC (26.6%).",
      "LF-Aurora is comparable to CCP-Aurora per ACK, and its deviation is much smaller than with large "
        + "intervals."))

  private let plan: CongestedPathPlan
  private let series: TrialSeries

  public init(_ plan: CongestedPathPlan, context: ExperimentContext) throws {
    self.plan = plan
    series = try TrialSeries(plan.schemes, prefix: "f11", context: context)
  }

  public func measure(_ take: (FlowMeasures) throws -> Void) throws {
    for round in 0..<plan.repeats {
      for scheme in plan.schemes {
        try take(series.run(scheme, plan.trial(round: round), round: round).measures)
      }
    }
  }

  /// 845.12 over 585.17 Mbit/s.
  static let paperRatio = 1.44

  public static func judge(
    _ runs: [FlowMeasures], _ plan: CongestedPathPlan
  ) -> (rows: [VerdictRow], faults: [String]) {
    func goodput(_ name: String) -> Double? { runs.of(name).mean(\.goodputMbps) }
    func deviation(_ name: String) -> Double? { runs.of(name).mean(\.deviationMbps) }
    var rows = runs.schemes.flatMap { scheme in
      let own = runs.of(scheme.name)
      return [
        VerdictRow("\(scheme): goodput (Mbit/s)", own.mean(\.goodputMbps), places: 1),
        VerdictRow(
          "\(scheme): half of the 95% interval", Statistics.halfInterval(own.map(\.goodputMbps)), places: 1),
        VerdictRow("\(scheme): deviation over 0.1 s", own.mean(\.deviationMbps), places: 1),
        VerdictRow("\(scheme): mean queue (ms)", own.mean(\.queueMs.mean), places: 3),
      ]
    }
    rows += [
      VerdictRow(
        "goodput, in kernel over user space at 100 ms", ratio(goodput("medulla"), goodput("user-100ms")),
        .atLeast(paperRatio)),
      VerdictRow(
        "deviation, in kernel over user space at 100 ms",
        ratio(deviation("medulla"), deviation("user-100ms")), .atMost(1)),
      VerdictRow(
        "goodput, in kernel over ONNX Runtime at 100 ms", ratio(goodput("medulla"), goodput("onnx-100ms"))),
      VerdictRow(
        "goodput, in kernel over user space per ACK", ratio(goodput("medulla"), goodput("user-ack"))),
    ]
    return (rows, runs.flatMap(\.faults))
  }

  public static func plots(_ runs: [FlowMeasures], _ plan: CongestedPathPlan) -> PlotSheet {
    let schemes = runs.schemes
    let x = PlotAxis("", categories: schemes.map(\.description))
    func bars(_ color: Int, _ value: (FlowMeasures) -> Double, _ spread: (FlowMeasures) -> Double)
      -> [Plot.Series]
    {
      let points = schemes.enumerated().map { index, scheme in
        let own = runs.of(scheme.name)
        return Plot.Point(
          Double(index), own.mean(value) ?? 0, spread: own.mean(spread))
      }
      return [Plot.Series("", color: color, mark: .bars, points: points)]
    }
    return PlotSheet([
      Plot(
        "Goodput of one flow; error bars: deviation from one tenth of a second to the next", x: x,
        y: PlotAxis("Mbit/s"), series: bars(0, \.goodputMbps, \.deviationMbps),
        rules: [.init(.y, at: plan.freeMbps, "what the background leaves")]),
      Plot(
        "Wait in the bottleneck's queue: mean", x: x, y: PlotAxis("ms"),
        series: bars(2, \.queueMs.mean, { _ in 0 })),
    ])
  }
}
