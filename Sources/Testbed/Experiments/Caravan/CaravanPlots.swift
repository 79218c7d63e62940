import TestbedReport

/// What the study `caravan` draws: the first seed's course, and all scores.
enum CaravanPlots {
  private static func points(_ run: StudyRun, _ x: String, _ y: String) -> [Plot.Point] {
    let (own, values) = (run.reading.series[x] ?? [], run.reading.series[y] ?? [])
    return zip(own, values).map { Plot.Point($0, $1) }
  }

  /// Proxy with its interval against the true F1 of each window; trainings are lines.
  static let course = PlotRecipe { runs in
    runs.of(Caravan.judged).round(0).runs.map { run in
      Plot(
        "Proxy with its 95% interval and true macro-F1 of each window; trainings as lines",
        x: PlotAxis("row"), y: PlotAxis("macro-F1", range: 0...1),
        series: [
          Plot.Series("true", color: 0, points: points(run, "rows", "window_f1")),
          Plot.Series("proxy", color: 1, mark: .dots, points: points(run, "proxy_rows", "proxy")),
          Plot.Series("its lower end", color: 2, points: points(run, "proxy_rows", "proxy_low")),
          Plot.Series("its upper end", color: 3, points: points(run, "proxy_rows", "proxy_high")),
        ],
        rules: (run.reading.series["retrain_rows"] ?? []).map { Plot.Rule(.x, at: $0, "") })
    }
  }

  static let labels = PlotRecipe { runs in
    runs.of(Caravan.judged).round(0).runs.map { run in
      Plot(
        "Labels, of the rows after the first 1,000", x: PlotAxis("row"),
        y: PlotAxis("share", range: 0...1),
        series: [Plot.Series("labelled", color: 0, points: points(run, "rows", "labels"))])
    }
  }

  static let scores = PlotRecipe.bars(
    "Triggered macro-F1, by stream and seed", Caravan.triggered, mark: .dots)
}
