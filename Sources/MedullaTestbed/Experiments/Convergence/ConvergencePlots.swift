extension ExperimentResult
where Plan == ConvergencePlan, Run == ConvergenceRun, Verdict == ConvergenceVerdict {
  /// The training's reward, and goodput and queue of its snapshots, over the rounds of training.
  public var plots: PlotSheet {
    let points = ConvergenceRun.means(runs)
    let x = PlotAxis("rounds of training")
    func line(_ name: String, _ color: Int, _ value: (ConvergenceRun.Means) -> Double) -> [Plot.Series] {
      [Plot.Series(name, color: color, points: points.map { Plot.Point(Double($0.round), value($0)) })]
    }
    func dots(_ color: Int, _ value: (LinkRun) -> Double) -> [Plot.Series] {
      [
        Plot.Series(
          "runs", color: color, mark: .dots, points: runs.map { Plot.Point(Double($0.round), value($0.run)) })
      ]
    }
    let capacity = environment.plan.cell.capacityMbps
    return PlotSheet([
      Plot("Reward in the simulator", x: x, y: PlotAxis("reward"), series: line("mean", 0, \.reward)),
      Plot(
        "Goodput of the snapshot on the emulated link", x: x, y: PlotAxis("Mbit/s"),
        series: line("mean", 1, \.goodputMbps) + dots(1, \.goodputMbps),
        rules: [.init(.y, at: capacity, "what the link carries")]),
      Plot(
        "Mean wait in the link's queue", x: x, y: PlotAxis("ms"),
        series: line("mean", 2, \.queueMs) + dots(2, \.queueingDelayMeanMs)),
    ])
  }
}
