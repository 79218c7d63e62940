extension SchedulingExperiment {
  /// Completion times by scheme, means and 99th percentiles, a dot for each workload.
  public static func plots(_ runs: [SchedulingRun], _ plan: SchedulingPlan) -> PlotSheet {
    let names = plan.schemes.map(\.name)
    func plot(_ title: String, _ value: (SchedulingRun.Times) -> Double) -> Plot {
      let series = SchedulingRun.SizeClass.allCases.enumerated().map { color, sizeClass in
        let points = runs.compactMap { run in
          names.firstIndex(of: run.scheme).flatMap { index in
            run.times(sizeClass).map { Plot.Point(Double(index), value($0)) }
          }
        }
        return Plot.Series("\(sizeClass.rawValue) flows", color: color, mark: .dots, points: points)
      }
      return Plot(
        title, x: PlotAxis("scheme", categories: names), y: PlotAxis("µs", scale: .logarithmic),
        series: series)
    }
    return PlotSheet([
      plot("Mean flow completion time", \.mean), plot("99th percentile of flow completion time", \.p99),
    ])
  }
}
