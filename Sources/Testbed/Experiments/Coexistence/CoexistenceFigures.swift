import TestbedLink
import TestbedMeasures
import TestbedReport

/// What is read off the study `coexistence`, and what it has to be. All bounds are ours.
enum CoexistenceFigures {
  /// Of a cell of the network's, one number; nil where something of it was not measured.
  typealias Value = @Sendable (StudyRuns) -> (StudyCell) -> Double?

  /// Some of the network's cells.
  private struct Group: Sendable {
    var name: String
    var rival: String?
    var holds: @Sendable (StudyCell) -> Bool = { _ in true }

    func cells(_ runs: StudyRuns) -> [StudyCell] {
      runs.cells.filter { cell in
        cell.fits([Coexistence.schemes("medulla")] + (rival.map { [Coexistence.rivals($0)] } ?? []))
          && holds(cell)
      }
    }
  }

  /// A number over a group, the words for it, and where it has to be.
  private struct Band: Sendable {
    var group: Group
    var name: String
    var value: Value
    var least: Double?
    var most: Double?

    private var title: String { group.name.isEmpty ? name : "\(group.name): \(name)" }
    private var leastName: String { "\(title), least" }
    private var mostName: String { "\(title), largest" }
    /// The part of the cells whose number is where it has to be.
    private var shareName: String {
      let range =
        switch (least, most) {
        case (let least?, let most?): "from \(short(least)) to \(short(most))"
        case (let least?, nil): "≥ \(short(least))"
        case (nil, let most?): "≤ \(short(most))"
        case (nil, nil): "any"
        }
      return "\(title), cells \(range)"
    }

    private func values(_ runs: StudyRuns) -> [Double?] { group.cells(runs).map(value(runs)) }

    var figures: [Figure] {
      var figures: [Figure] = []
      if least != nil {
        figures.append(
          Figure(leastName) { runs in values(runs).compactMap { $0 }.min().map { Estimate($0) } })
      }
      if most != nil {
        figures.append(
          Figure(mostName) { runs in values(runs).compactMap { $0 }.max().map { Estimate($0) } })
      }
      let share = Figure(shareName) { runs in
        let all = values(runs)
        guard all.contains(where: { $0 != nil }) else { return nil }
        // A cell that was not measured, or whose reference was not, is outside.
        let within = all.filter { value in
          guard let value else { return false }
          return value >= least ?? -.infinity && value <= most ?? .infinity
        }
        return Estimate(Double(within.count) / Double(all.count))
      }
      return figures + [share]
    }

    var bounds: [Bound] {
      (least.map { [Bound(leastName, .atLeast($0), .ours)] } ?? [])
        + (most.map { [Bound(mostName, .atMost($0), .ours)] } ?? [])
        + [Bound(shareName, .atLeast(1), .ours)]
    }
  }

  /// Means of a metric by cell.
  private static func means(_ metric: Metric, _ runs: StudyRuns) -> [StudyCell: Double] {
    let values = runs.runs.reduce(into: [StudyCell: [Double]]()) { values, run in
      if let value = run[metric] { values[run.cell, default: []].append(value) }
    }
    return values.mapValues(Statistics.mean)
  }

  /// The cell's own mean.
  static func own(_ metric: Metric) -> Value {
    { runs in
      let means = means(metric, runs)
      return { means[$0] }
    }
  }

  /// The cell's mean over that of CUBIC in its place.
  static func overCubic(_ metric: Metric) -> Value {
    { runs in
      let means = means(metric, runs)
      return { cell in
        guard let own = means[cell], let cubic = means[cell.with(Coexistence.schemes, reference)], cubic > 0
        else { return nil }
        return own / cubic
      }
    }
  }

  private static let reference = SteeringScheme.cubic

  private static let besideCubic = Group(name: "beside CUBIC", rival: "cubic")
  private static let besideBBR = Group(name: "beside BBR", rival: "bbr")
  private static let firstWithSmallBuffer = Group(name: "beside CUBIC, ours first, ≤ 1 BDP", rival: "cubic") {
    $0[Coexistence.orders] == Coexistence.Order.first.rawValue && $0[Coexistence.buffers] <= 1
  }
  private static let besideBBRWithLargeBuffer = Group(name: "beside BBR, from 4 BDP on", rival: "bbr") {
    $0[Coexistence.buffers] >= 4
  }
  private static let everywhere = Group(name: "")

  private static let bands: [Band] = [
    Band(group: besideCubic, name: "own over CUBIC's", value: overCubic(RivalTrial.own), least: 0.7),
    Band(group: besideCubic, name: "share of the fair part", value: own(RivalTrial.ownShare), most: 1.5),
    Band(
      group: firstWithSmallBuffer, name: "share of the fair part", value: own(RivalTrial.ownShare),
      least: 0.5, most: 1.5),
    Band(group: besideBBR, name: "own over CUBIC's", value: overCubic(RivalTrial.own), least: 1),
    Band(
      group: besideBBRWithLargeBuffer, name: "share of the fair part", value: own(RivalTrial.ownShare),
      least: 0.5, most: 1.5),
    Band(
      group: everywhere, name: "rival's over what CUBIC leaves it", value: overCubic(RivalTrial.rival),
      least: 0.5),
    Band(
      group: everywhere, name: "from the rival's end to a small queue (s)", value: own(RivalTrial.small),
      most: 5),
  ]

  private static let median = Figure("beside CUBIC: share of the fair part, median") { runs in
    let values = besideCubic.cells(runs).compactMap(own(RivalTrial.ownShare)(runs))
    return values.isEmpty ? nil : Estimate(Statistics.quantile(values, 0.5))
  }

  static let all = bands.flatMap(\.figures) + [median]
  static let bounds =
    bands.flatMap(\.bounds) + [
      Bound(median.name, .atLeast(0.8), .ours), Bound(median.name, .atMost(1.2), .ours),
    ]

  /// Rates by round trips and buffers, a part for each rival and order.
  private static func table(_ plan: StudyPlan) -> PlotRecipe.Table {
    let rows = plan[Coexistence.rtts].flatMap { rtt in plan[Coexistence.buffers].map { (rtt, $0) } }
    let rates = plan[Coexistence.rates]
    let parts = plan[Coexistence.rivals].flatMap { rival in
      plan[Coexistence.orders].map { (rival: rival, order: $0) }
    }
    return PlotRecipe.Table(
      columns: rates.map(short), rows: rows.map { "\(short($0.0)) ms, \(short($0.1)) BDP" },
      parts: parts.map { part in
        let title = StudyCell().with(Coexistence.rivals, part.rival).with(Coexistence.orders, part.order)
          .title
        return (
          title,
          { row, column in
            [
              Coexistence.rivals(part.rival), Coexistence.orders(part.order),
              Coexistence.rates(rates[column]), Coexistence.rtts(rows[row].0),
              Coexistence.buffers(rows[row].1), Coexistence.schemes("medulla"),
            ]
          }
        )
      })
  }

  private static func map(
    _ title: String, _ scale: HeatMap.Scale, _ value: @escaping Value
  ) -> PlotRecipe {
    .heatMap(
      title, columns: "rate (Mbit/s)", rows: "round trip, buffer", scale: scale, table: table,
      value: { runs in
        let value = value(runs)
        let cells = runs.cells
        return { matches in cells.first { $0.fits(matches) }.flatMap(value) }
      })
  }

  static let maps: [PlotRecipe] = [
    map(
      "Goodput over the fair part, half of what the link carries",
      HeatMap.Scale(around: 1, .factor(reach: 4), low: "less than fair", high: "more"),
      own(RivalTrial.ownShare)),
    map(
      "Goodput over that of CUBIC in our place",
      HeatMap.Scale(around: 1, .factor(reach: 4), low: "less than CUBIC", high: "more"),
      overCubic(RivalTrial.own)),
    map(
      "Rival's goodput over what CUBIC leaves it",
      HeatMap.Scale(around: 1, .factor(reach: 4), low: "less than beside CUBIC", high: "more"),
      overCubic(RivalTrial.rival)),
  ]
}
