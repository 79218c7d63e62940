extension ExperimentResult where Plan == UpdatesPlan, Run == UpdatesPhase, Verdict == UpdatesVerdict {
  /// Decision times of every second and retransmissions of every phase, with and without updates; the
  /// distribution of promotion times.
  public var plots: PlotSheet {
    func points(_ updating: Bool, _ values: (UpdatesPhase) -> [Double]) -> [Plot.Point] {
      runs.filter { $0.updating == updating }.flatMap { phase in
        values(phase).enumerated().map { index, value in
          Plot.Point(Double(phase.index) + Double(index) / Double(max(values(phase).count, 1)), value)
        }
      }
    }
    func series(_ values: (UpdatesPhase) -> [Double]) -> [Plot.Series] {
      [
        Plot.Series("without updates", color: 0, mark: .dots, points: points(false, values)),
        Plot.Series("with updates", color: 1, mark: .dots, points: points(true, values)),
      ]
    }
    let x = PlotAxis("phase", range: 0...Double(max(runs.count, 1)))
    let retransmits = Double(runs.map(\.retransmits).max() ?? 0)
    let times = runs.flatMap(\.promotionMs).sorted()
    let distribution = times.enumerated().map { index, value in
      Plot.Point(value, Double(index + 1) / Double(times.count) * 100)
    }
    return PlotSheet([
      Plot(
        "Mean time of a decision, second by second", x: x, y: PlotAxis("ns"), series: series(\.decisionNs)),
      Plot("Goodput of all flows", x: x, y: PlotAxis("Mbit/s"), series: series { [$0.goodputMbps] }),
      Plot(
        "Segments sent again", x: x, y: PlotAxis("segments", range: 0...max(10, retransmits * 1.06)),
        series: series { [Double($0.retransmits)] }),
      Plot(
        "Time of a promotion", x: PlotAxis("ms", scale: .logarithmic),
        y: PlotAxis("share of promotions (%)", range: 0...105),
        series: [Plot.Series("promotions", color: 1, points: distribution)],
        rules: [.init(.x, at: verdict.targets.promotionMs, "target for 99 in 100")]),
    ])
  }
}
