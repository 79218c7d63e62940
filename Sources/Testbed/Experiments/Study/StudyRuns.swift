import TestbedMeasures

/// A measured figure, with half of its 95% interval where several rounds gave it.
package struct Estimate: Equatable, Sendable {
  package var value: Double
  package var half: Double?

  package init(_ value: Double, half: Double? = nil) {
    (self.value, self.half) = (value, half)
  }

  /// The upper end of the interval; the value itself without one.
  package var upper: Double { value + (half ?? 0) }

  /// The mean of values that are taken to be independent; nil of none.
  package init?(_ values: [Double]) {
    guard !values.isEmpty else { return nil }
    self.init(Statistics.mean(values), half: Statistics.halfInterval(values))
  }
}

/// The runs of a study, and questions to them.
package struct StudyRuns: Sendable {
  package let runs: [StudyRun]
  package let plan: StudyPlan
  /// As the plan has them.
  package let cells: [StudyCell]

  package func of(_ matches: [Match]) -> StudyRuns {
    StudyRuns(
      runs: runs.filter { $0.cell.fits(matches) }, plan: plan, cells: cells.filter { $0.fits(matches) })
  }

  package func values(_ metric: Metric) -> [Double] { runs.compactMap { $0[metric] } }

  /// Mean over the runs; nil where nothing was measured.
  package func mean(_ metric: Metric, _ matches: [Match] = []) -> Double? {
    let values = of(matches).values(metric)
    return values.isEmpty ? nil : Statistics.mean(values)
  }

  package func estimate(_ metric: Metric, _ matches: [Match] = []) -> Estimate? {
    Estimate(of(matches).values(metric))
  }

  package func sum(_ metric: Metric, _ matches: [Match] = []) -> Double? {
    let values = of(matches).values(metric)
    return values.isEmpty ? nil : values.reduce(0, +)
  }

  /// Two groups' means put together, with the interval of what the rounds give one by one.
  package func compare(
    _ metric: Metric, _ first: [Match], _ second: [Match], _ combine: (Double, Double) -> Double?
  ) -> Estimate? {
    let (own, other) = (of(first), of(second))
    guard let left = own.mean(metric), let right = other.mean(metric), let value = combine(left, right)
    else { return nil }
    let rounds = Set(own.runs.map(\.round)).sorted()
    let pairs = rounds.compactMap { round -> Double? in
      guard let left = own.round(round).mean(metric), let right = other.round(round).mean(metric)
      else { return nil }
      return combine(left, right)
    }
    return Estimate(value, half: Statistics.halfInterval(pairs))
  }

  /// A figure of all runs, with the interval of what the rounds give one by one.
  package func byRound(_ value: (StudyRuns) -> Double?) -> Estimate? {
    guard let all = value(self) else { return nil }
    let rounds = Set(runs.map(\.round)).sorted()
    return Estimate(all, half: Statistics.halfInterval(rounds.compactMap { value(round($0)) }))
  }

  package func ratio(_ metric: Metric, _ first: [Match], over second: [Match]) -> Estimate? {
    compare(metric, first, second) { $1 == 0 ? nil : $0 / $1 }
  }

  package func difference(_ metric: Metric, _ first: [Match], less second: [Match]) -> Estimate? {
    compare(metric, first, second) { $0 - $1 }
  }

  /// Of each cell, the mean, in the plan's order; cells that were not run are left out.
  package func means(_ metric: Metric) -> [(cell: StudyCell, value: Double)] {
    cells.compactMap { cell in
      let values = runs.filter { $0.cell == cell }.compactMap { $0[metric] }
      return values.isEmpty ? nil : (cell, Statistics.mean(values))
    }
  }

  package func round(_ round: Int) -> StudyRuns {
    StudyRuns(runs: runs.filter { $0.round == round }, plan: plan, cells: cells)
  }

  /// Different values of a part of the cells, in the plan's order.
  package func parts(_ name: String) -> [PlanValue] {
    cells.compactMap { $0[name] }.reduce(into: []) { if !$0.contains($1) { $0.append($1) } }
  }
}

/// A figure of a verdict that is computed from several cells.
package struct Figure: Sendable {
  package let name: String
  package let places: Int
  package let value: @Sendable (StudyRuns) -> Estimate?

  package init(
    _ name: String, places: Int = 3, _ value: @escaping @Sendable (StudyRuns) -> Estimate?
  ) {
    (self.name, self.places, self.value) = (name, places, value)
  }

  /// What runs give, with the interval of what single rounds give.
  package static func byRound(
    _ name: String, places: Int = 3, _ value: @escaping @Sendable (StudyRuns) -> Double?
  ) -> Figure {
    Figure(name, places: places) { $0.byRound(value) }
  }

  /// One group's mean over another's.
  package static func ratio(
    _ name: String, _ metric: Metric, _ first: Match..., over second: Match..., places: Int = 3
  ) -> Figure {
    Figure(name, places: places) { $0.ratio(metric, first, over: second) }
  }

  package static func difference(
    _ name: String, _ metric: Metric, _ first: Match..., less second: Match..., places: Int = 3
  ) -> Figure {
    Figure(name, places: places) { $0.difference(metric, first, less: second) }
  }

  package static func mean(_ name: String, _ metric: Metric, _ group: Match..., places: Int? = nil) -> Figure
  {
    Figure(name, places: places ?? metric.places) { $0.estimate(metric, group) }
  }

  /// The smallest of the cells' means.
  package static func least(_ name: String, _ metric: Metric, _ group: Match..., places: Int? = nil) -> Figure
  {
    Figure(name, places: places ?? metric.places) { runs in
      runs.of(group).means(metric).map(\.value).min().map { Estimate($0) }
    }
  }

  package static func sum(_ name: String, _ metric: Metric, _ group: Match..., places: Int = 0) -> Figure {
    Figure(name, places: places) { $0.sum(metric, group).map { Estimate($0) } }
  }

  /// The smallest single value.
  package static func fewest(_ name: String, _ metric: Metric, _ group: Match..., places: Int = 0) -> Figure {
    Figure(name, places: places) { $0.of(group).values(metric).min().map { Estimate($0) } }
  }

  /// The largest single value.
  package static func most(_ name: String, _ metric: Metric, _ group: Match..., places: Int = 0) -> Figure {
    Figure(name, places: places) { $0.of(group).values(metric).max().map { Estimate($0) } }
  }
}
