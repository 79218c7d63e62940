extension ExperimentResult
where Plan == AdaptationPlan, Run == AdaptationRun, Verdict == AdaptationVerdict {
  /// Goodput of the schemes over time, with the changes of condition, and at each interval's end.
  public var plots: PlotSheet {
    let plan = environment.plan
    let first = runs.filter { $0.repetition == 0 }
    let changes = plan.conditions.enumerated().map { index, condition in
      Plot.Rule(.x, at: Double(index * plan.intervalSeconds), condition.name)
    }
    let lines = AdaptationScheme.allCases.enumerated().compactMap { color, scheme in
      first.first { $0.scheme == scheme }.map { run in
        Plot.Series(
          scheme.rawValue, color: color, points: run.goodput.map { Plot.Point($0.time, $0.value) })
      }
    }
    // Below 0 is room for the conditions' names and the updates.
    let highest = max(first.flatMap { $0.goodput.map(\.value) }.max() ?? 1, 1)
    let updates = first.first { $0.scheme == .adapting }?.activations.dropFirst() ?? []
    let marks = Plot.Series(
      "update", color: 3, mark: .dots, points: updates.map { Plot.Point($0.time, -0.05 * highest) })
    let ends = AdaptationScheme.allCases.enumerated().map { color, scheme in
      Plot.Series(
        scheme.rawValue, color: color, mark: .dots,
        points: runs.filter { $0.scheme == scheme }.flatMap { run in
          run.intervals.enumerated().map { index, interval in
            Plot.Point(Double(index) + Double(color - 1) * 0.15, interval.goodputMbps)
          }
        })
    }
    return PlotSheet([
      Plot(
        "Goodput of one flow; time \(short(plan.compression.rounded())) times compressed",
        x: PlotAxis("seconds"), y: PlotAxis("Mbit/s", range: -0.2 * highest...1.06 * highest),
        series: lines + [marks], rules: changes),
      Plot(
        "Goodput in the last \(plan.measuredSeconds) s of each interval",
        x: PlotAxis("condition", categories: plan.conditions.map(\.name)), y: PlotAxis("Mbit/s"),
        series: ends),
    ])
  }
}
