/// The experiment `fig11`: goodput of one flow under congestion, mean and deviation.
public struct GoodputExperiment: Experiment {
  public static let facts = ExperimentFacts(
    name: "fig11", title: "One flow beside UDP on 1 Gbit/s: goodput by who infers, and where.",
    discussion: """
      The shipped network in the kernel and in user space (reports per ACK, every 1, 10 and 100 ms; lean C \
      and ONNX Runtime from Python), beside CUBIC and BBR, with congestion that stays and with congestion \
      that comes and goes. Needs root; 15 minutes, --quick one.
      """,
    method: """
      One iperf3 flow over an emulated link of 1 Gbit/s, 10 ms and 150 kB of buffer. Constant: with \
      0.1 Gbit/s of UDP, the paper's setting. Changing: with 0.8 Gbit/s of UDP, one second on and one off. \
      Goodput is what the receiving program read after the warm-up; its deviation is that of values over \
      0.1 s within a run, its distance the root mean square of their difference from what is left to it. \
      The targets are judged under changing congestion; under constant congestion a network that has \
      converged has nothing to decide. User space in the manner of CCP: the kernel runs the same controller \
      and reports by ring buffer, a process infers and writes the action back; from 10 ms on features \
      span the report interval and the whole controller acts at reports; at shorter ones about a round trip, \
      as in the kernel. The same snapshot everywhere; ONNX Runtime runs its float network.
      """,
    paper: PaperFigure(
      "Figure 11, §5.1",
      "Goodput 845.12 Mbit/s for LF-Aurora and 585.17 for CCP-Aurora at 100 ms (44.4% more); 851.16 and "
        + "672.12 for MOCC (26.6%).",
      "LF-Aurora is comparable to CCP-Aurora per ACK, and its deviation is much smaller than with large "
        + "intervals."))

  private let plan: GoodputPlan
  private let series: TrialSeries

  public init(_ plan: GoodputPlan, context: ExperimentContext) throws {
    self.plan = plan
    series = try TrialSeries(plan.path.schemes, prefix: "f11", context: context)
  }

  public func measure(_ take: (GoodputRun) throws -> Void) throws {
    for round in 0..<plan.repeats {
      for setting in GoodputPlan.Setting.allCases {
        let path = plan.path(setting)
        for scheme in path.schemes {
          let trial = path.trial(round: round)
          try take(GoodputRun(series.run(scheme, trial, round: round), trial, path, setting))
        }
      }
    }
  }

  /// 845.12 over 585.17 Mbit/s.
  static let paperRatio = 1.44

  public static func judge(_ runs: [GoodputRun], _ plan: GoodputPlan) -> (
    rows: [VerdictRow], faults: [String]
  ) {
    var rows: [VerdictRow] = []
    for setting in GoodputPlan.Setting.allCases {
      let own = runs.filter { $0.setting == setting }
      let name = "\(setting.rawValue), "
      for scheme in own.map(\.measures).schemes {
        let some = own.filter { $0.measures.scheme == scheme }
        let measures = some.map(\.measures)
        let values = measures.map(\.goodputMbps)
        rows += [
          VerdictRow("\(name)\(scheme): goodput (Mbit/s)", measures.mean(\.goodputMbps), places: 1),
          VerdictRow(
            "\(name)\(scheme): half of the 95% interval", Statistics.halfInterval(values), places: 1),
          VerdictRow("\(name)\(scheme): deviation over 0.1 s", measures.mean(\.deviationMbps), places: 1),
          VerdictRow(
            "\(name)\(scheme): distance from what is free", Statistics.mean(some.map(\.distanceMbps)),
            places: 1),
          VerdictRow("\(name)\(scheme): mean queue (ms)", measures.mean(\.queueMs.mean), places: 3),
        ]
      }
      func goodput(_ scheme: String) -> Double? { own.map(\.measures).of(scheme).mean(\.goodputMbps) }
      func deviation(_ scheme: String) -> Double? { own.map(\.measures).of(scheme).mean(\.deviationMbps) }
      func distance(_ scheme: String) -> Double? {
        let some = own.filter { $0.measures.scheme.name == scheme }
        return some.isEmpty ? nil : Statistics.mean(some.map(\.distanceMbps))
      }
      let judged = setting == .changing
      rows += [
        VerdictRow(
          "\(name)in kernel over 100 ms: goodput", ratio(goodput("medulla"), goodput("user-100ms")),
          judged ? .atLeast(paperRatio) : nil),
        VerdictRow(
          "\(name)in kernel over 100 ms: distance", ratio(distance("medulla"), distance("user-100ms")),
          judged ? .atMost(1) : nil),
        VerdictRow(
          "\(name)in kernel over 100 ms: deviation", ratio(deviation("medulla"), deviation("user-100ms"))),
        VerdictRow(
          "\(name)in kernel over ONNX, 100 ms: goodput", ratio(goodput("medulla"), goodput("onnx-100ms"))),
        VerdictRow(
          "\(name)in kernel over per ACK: goodput", ratio(goodput("medulla"), goodput("user-ack"))),
      ]
    }
    return (rows, runs.flatMap(\.measures.faults))
  }

  public static func plots(_ runs: [GoodputRun], _ plan: GoodputPlan) -> PlotSheet {
    let schemes = runs.map(\.measures).schemes
    let x = PlotAxis("", categories: schemes.map(\.description))
    func bars(
      _ setting: GoodputPlan.Setting, _ color: Int, _ value: (GoodputRun) -> Double,
      _ spread: (GoodputRun) -> Double
    ) -> [Plot.Series] {
      let points = schemes.enumerated().compactMap { index, scheme -> Plot.Point? in
        let own = runs.filter { $0.setting == setting && $0.measures.scheme == scheme }
        guard !own.isEmpty else { return nil }
        return Plot.Point(
          Double(index), Statistics.mean(own.map(value)), spread: Statistics.mean(own.map(spread)))
      }
      return [Plot.Series("", color: color, mark: .bars, points: points)]
    }
    return PlotSheet([
      Plot(
        "Constant congestion: goodput; error bars: deviation from one tenth of a second to the next", x: x,
        y: PlotAxis("Mbit/s"),
        series: bars(.constant, 0, \.measures.goodputMbps, \.measures.deviationMbps),
        rules: [.init(.y, at: plan.path.freeMbps(duty: 1), "what the background leaves")]),
      Plot(
        "Congestion that comes and goes: goodput", x: x, y: PlotAxis("Mbit/s"),
        series: bars(.changing, 1, \.measures.goodputMbps, { _ in 0 }),
        rules: [
          .init(
            .y,
            at: plan.path(.changing).freeMbps(
              duty: plan.changingOn / (plan.changingOn + plan.changingOff)), "what the background leaves")
        ]),
      Plot(
        "Congestion that comes and goes: distance of goodput from what is free", x: x, y: PlotAxis("Mbit/s"),
        series: bars(.changing, 3, \.distanceMbps, { _ in 0 })),
      Plot(
        "Wait in the bottleneck's queue under constant congestion: mean", x: x, y: PlotAxis("ms"),
        series: bars(.constant, 2, \.measures.queueMs.mean, { _ in 0 })),
    ])
  }
}
