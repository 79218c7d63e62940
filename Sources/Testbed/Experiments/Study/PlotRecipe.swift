import TestbedReport

/// How a plot is drawn from a study's runs.
package struct PlotRecipe: Sendable {
  let draw: @Sendable (StudyRuns) -> [PlotSheet.Panel]

  package init(_ draw: @escaping @Sendable (StudyRuns) -> [Plot]) {
    self.draw = { draw($0).map(PlotSheet.Panel.plot) }
  }

  init(panels draw: @escaping @Sendable (StudyRuns) -> [PlotSheet.Panel]) { self.draw = draw }

  /// A line across the plot at a value of its y axis.
  package typealias Rules = @Sendable (StudyPlan) -> [Plot.Rule]

  /// Columns of a metric's means with their 95% intervals: positions by one part of the cells, or by all
  /// parts but the series' own; a series for each value of `by`.
  package static func bars(
    _ title: String, _ metric: Metric, by series: String = "", _ group: Match...,
    scale: PlotAxis.Scale = .linear,
    range: ClosedRange<Double>? = nil, mark: Plot.Series.Mark = .bars, rules: @escaping Rules = { _ in [] }
  ) -> PlotRecipe {
    PlotRecipe { runs in
      let own = runs.of(group)
      let left = Set([series] + group.map(\.part))
      let positions = own.cells.map { $0.without(left) }.reduce(into: [StudyCell]()) {
        if !$0.contains($1) { $0.append($1) }
      }
      let x = PlotAxis("", categories: positions.map { $0.title.isEmpty ? "all" : $0.title })
      let drawn = own.series(series).enumerated().map { index, part in
        let points = positions.enumerated().flatMap { place, position -> [Plot.Point] in
          let some = part.runs.runs.filter { $0.cell.without(left) == position }.compactMap { $0[metric] }
          guard mark == .bars else {
            return some.map { Plot.Point(Double(place) + 0.12 * Double(index), $0) }
          }
          return Estimate(some).map { [Plot.Point(Double(place), $0.value, spread: $0.half)] } ?? []
        }
        return Plot.Series(part.title, color: index, mark: mark, points: points)
      }
      return [
        Plot(
          title, x: x, y: PlotAxis(metric.unit, scale: scale, range: range), series: drawn,
          rules: rules(runs.plan))
      ]
    }
  }

  /// Means over an axis of numbers, a line for each value of `by`.
  package static func lines(
    _ title: String, _ metric: Metric, over axis: String, by series: String = "", _ group: Match...,
    x: PlotAxis, y: PlotAxis? = nil, rules: @escaping Rules = { _ in [] }
  ) -> PlotRecipe {
    PlotRecipe { runs in
      let own = runs.of(group)
      let lines = own.series(series).enumerated().map { index, part in
        let points = part.runs.parts(axis).compactMap { value -> Plot.Point? in
          guard let place = Double(plan: value),
            let mean = part.runs.estimate(metric, [Match(part: axis, value: value)])
          else { return nil }
          return Plot.Point(place, mean.value, spread: mean.half)
        }
        return Plot.Series(part.title, color: index, points: points.sorted { $0.x < $1.x })
      }
      return [
        Plot(title, x: x, y: y ?? PlotAxis(metric.unit), series: lines, rules: rules(runs.plan))
      ]
    }
  }

  /// Series of the first round over time, `step` seconds from value to value. A plot for each value of
  /// `apart`, or one for all.
  package static func overTime(
    _ title: String, _ keys: [(series: String, name: String)],
    step: @escaping @Sendable (StudyPlan) -> Double,
    y: PlotAxis, apart: String = "", _ group: Match..., rules: @escaping Rules = { _ in [] }
  ) -> PlotRecipe {
    PlotRecipe { runs in
      let names = keys.map { (series: $0.series, name: $0.name) }
      return runs.of(group).round(0).series(apart).filter { !$0.runs.runs.isEmpty }.map { part in
        let left = Set([apart] + group.map(\.part))
        let lines = part.runs.runs.flatMap { run in
          names.map { key in
            let label = [key.name, run.cell.title(without: left)].filter { !$0.isEmpty }
            return (label.joined(separator: ", "), run.reading.series[key.series] ?? [])
          }
        }
        let step = step(runs.plan)
        return Plot(
          title + (part.title.isEmpty ? "" : ": \(part.title)"), x: PlotAxis("time (s)"), y: y,
          series: lines.enumerated().map { index, line in
            let points = line.1.enumerated().map { Plot.Point(Double($0.offset) * step, $0.element) }
            return Plot.Series(line.0, color: index, points: points)
          }, rules: rules(runs.plan))
      }
    }
  }

  /// The cells of a table.
  package struct Table: Sendable {
    package var columns: [String]
    package var rows: [String]
    /// Groups of columns, with what identifies the cell of a row and a column.
    package var parts: [(title: String, cell: @Sendable (_ row: Int, _ column: Int) -> [Match])]
  }

  /// A coloured table of numbers.
  ///
  /// - Parameter value: given all runs, the number of the cell that fits; nil: none.
  package static func heatMap(
    _ title: String, columns: String, rows: String, scale: HeatMap.Scale,
    table: @escaping @Sendable (StudyPlan) -> Table,
    value: @escaping @Sendable (StudyRuns) -> ([Match]) -> Double?
  ) -> PlotRecipe {
    PlotRecipe(panels: { runs in
      let (table, value) = (table(runs.plan), value(runs))
      let parts = table.parts.map { part in
        HeatMap.Part(
          part.title,
          table.rows.indices.map { row in
            table.columns.indices.map { value(part.cell(row, $0)) }
          })
      }
      let map = HeatMap(
        title, columns: table.columns, columns, rows: table.rows, rows, parts: parts, scale: scale)
      return [.heatMap(map)]
    })
  }

  /// Shares of a series' values at or below each value, over all rounds; a line for each cell.
  package static func distribution(_ title: String, of key: String, x: PlotAxis, _ group: Match...)
    -> PlotRecipe
  {
    PlotRecipe { runs in
      let own = runs.of(group)
      let left = Set(group.map(\.part))
      let lines = own.cells.enumerated().map { index, cell in
        let values = own.runs.filter { $0.cell == cell }.flatMap { $0.reading.series[key] ?? [] }
        return Plot.Series(cell.title(without: left), color: index, points: Plot.distribution(values))
      }
      return [Plot(title, x: x, y: PlotAxis("share of values", range: 0...1), series: lines)]
    }
  }
}

extension StudyRuns {
  /// The runs by the values of one part of their cells; all together where the part has no name.
  func series(_ part: String) -> [(title: String, runs: StudyRuns)] {
    guard !part.isEmpty else { return [("", self)] }
    return parts(part).map { value in
      let own = of([Match(part: part, value: value)])
      return (own.cells.first?.title(of: part) ?? value.text, own)
    }
  }
}

extension Study {
  package func plotSheet(_ runs: [StudyRun], _ plan: StudyPlan) -> PlotSheet {
    let seen = StudyRuns(runs: runs, plan: plan, cells: cells(plan))
    return PlotSheet(panels: plots.flatMap { $0.draw(seen) })
  }
}
