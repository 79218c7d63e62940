extension Study {
  /// The figures with their bounds, and whether the judged ones hold.
  package func judge(_ runs: [StudyRun], _ plan: StudyPlan, complete: Bool) -> Verdict {
    let seen = StudyRuns(runs: runs, plan: plan, cells: cells(plan))
    let cellRows = seen.cells.flatMap { rows($0, seen) }
    let figureRows = figures.flatMap { rows($0, seen) }
    return Verdict(cellRows + figureRows, faults: faults(seen), complete: complete)
  }

  /// A cell's metrics; those that are bounded stand there though nothing was measured.
  private func rows(_ cell: StudyCell, _ seen: StudyRuns) -> [VerdictRow] {
    let own = StudyRuns(runs: seen.runs.filter { $0.cell == cell }, plan: seen.plan, cells: [cell])
    let bounded = bounds.compactMap { bound -> (metric: Metric, bound: Bound)? in
      guard case .each(let metric, let matches) = bound.subject, cell.fits(matches) else { return nil }
      return (metric, bound)
    }
    let told = metrics + bounded.map(\.metric).filter { !metrics.contains($0) }
    return told.flatMap { metric -> [VerdictRow] in
      let name = cell.title.isEmpty ? metric.title : "\(cell.title): \(metric.title)"
      let estimate = own.estimate(metric)
      let mine = bounded.filter { $0.metric == metric }
      guard !mine.isEmpty else {
        return estimate.map { [VerdictRow(name, $0, places: metric.places)] } ?? []
      }
      return mine.map { VerdictRow(name, estimate, places: metric.places, $0.bound) }
    }
  }

  /// A figure once for each bound it has.
  private func rows(_ figure: Figure, _ seen: StudyRuns) -> [VerdictRow] {
    let estimate = figure.value(seen)
    let own = bounds.filter { if case .figure(figure.name) = $0.subject { true } else { false } }
    guard !own.isEmpty else { return [VerdictRow(figure.name, estimate, places: figure.places)] }
    return own.map { VerdictRow(figure.name, estimate, places: figure.places, $0) }
  }

  /// Bounds on figures that the study does not have: its declaration is wrong.
  package var unboundFigures: [String] {
    let names = Set(figures.map(\.name))
    return bounds.compactMap { bound in
      if case .figure(let name) = bound.subject, !names.contains(name) { name } else { nil }
    }
  }
}
