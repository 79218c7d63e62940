import MedullaBase
import MedullaRetraining
import TestbedLink

/// Measures a cell: one stream, all ways of training.
struct CaravanReplay {
  private typealias Own = Caravan
  private let plan: StudyPlan
  private let narrate: @Sendable (String) -> Void

  init(_ plan: StudyPlan, narrate: @escaping @Sendable (String) -> Void) {
    (self.plan, self.narrate) = (plan, narrate)
  }

  static func stream(
    _ plan: StudyPlan, withPort: Bool, interleaved: Bool
  ) throws -> FlowRows? {
    let all: FlowRows?
    do {
      all = try FlowRows.read(plan[Own.flows], label: plan[Own.label], withPort: withPort)
    } catch let problem as FlowRows.Problem {
      throw TestbedError(
        .badParameter, problem.description,
        remedy: "Give a CSV of numbers and its label's column: --set flows=FILE --set label=COLUMN.")
    }
    guard var rows = all else { return nil }
    if interleaved { rows = rows.interleaved(bootstrap: plan[Own.bootstrap], block: 1_000) }
    if plan[Own.rows] > 0 { rows = rows.prefix(plan[Own.rows]) }
    guard rows.count > plan[Own.bootstrap] else {
      throw TestbedError(
        .badParameter, "\(rows.count) rows leave none to score after \(plan[Own.bootstrap]).",
        remedy: "Give more rows, or a smaller bootstrap.")
    }
    return rows
  }

  func measure(_ cell: StudyCell, round: Int) throws -> Reading {
    let seed = plan.seed(round: round)
    let stream = try Self.stream(
      plan, withPort: cell[Own.inputs] == "ports", interleaved: cell[Own.orders] == "interleaved")
    guard let rows = stream else {
      var reading = Reading()
      reading.unmeasured.append("these flows have no destination port")
      return reading
    }
    var settings = RowLoop.Settings()
    (settings.window, settings.bootstrap) = (cell[Own.windows], plan[Own.bootstrap])
    settings.online.training.epochs = plan[Own.epochs]
    let start = try RowLoop.start(rows, settings, seed: seed)
    var frozen = settings
    frozen.isFrozen = true
    var loop = try RowLoop(rows, start, frozen, seed: seed)
    let offline = try loop.run()
    let all = try continuous(rows, start, settings, seed: seed)
    loop = try RowLoop(rows, start, settings, seed: seed)
    let triggered = try loop.run()
    return reading(offline, all, triggered, settings)
  }

  /// Each number of epochs with what it came to.
  private func continuous(
    _ rows: FlowRows, _ start: RowLoop.Start, _ settings: RowLoop.Settings, seed: UInt64
  ) throws -> [(epochs: Int, course: RowLoop.Course)] {
    try plan[Own.continuousEpochs].map { epochs in
      var settings = settings
      (settings.online.trigger.policy, settings.online.training.epochs) = (.everyWindow, epochs)
      var loop = try RowLoop(rows, start, settings, seed: seed)
      return (epochs, try loop.run())
    }
  }

  private func reading(
    _ offline: RowLoop.Course, _ all: [(epochs: Int, course: RowLoop.Course)],
    _ triggered: RowLoop.Course, _ settings: RowLoop.Settings
  ) -> Reading {
    func cost(_ course: RowLoop.Course) -> Double { Double(course.meter.multiplyAccumulates) }
    let best = all.map(\.course.f1).max() ?? 0
    let good = all.filter { $0.course.f1 >= best - 0.01 }.min { cost($0.course) < cost($1.course) }
    let equal = all.first { $0.epochs == settings.online.training.epochs }?.course
    let f1 = good?.course.f1
    var reading = Reading([
      Caravan.offline: offline.f1, Caravan.continuous: f1, Caravan.triggered: triggered.f1,
      Caravan.retrains: Double(triggered.retrains.count),
      Caravan.compute: good.map { cost(triggered) / cost($0.course) },
      Caravan.equalCompute: equal.map { cost(triggered) / cost($0) },
      Caravan.labels: triggered.labelled, Caravan.gain: triggered.f1 / offline.f1,
      Caravan.loss: f1.map { $0 - triggered.f1 }, Caravan.refused: Double(triggered.refused),
      Caravan.unproven: Double(triggered.unproven),
    ])
    let known = triggered.readings.filter { $0.reading != nil }
    reading.series["proxy_rows"] = known.map { Double($0.row) }
    reading.series["proxy"] = known.compactMap { $0.reading?.value }
    reading.series["proxy_low"] = known.compactMap { $0.reading?.low }
    reading.series["proxy_high"] = known.compactMap { $0.reading?.high }
    reading.series["rows"] = triggered.readings.map { Double($0.row) }
    reading.series["window_f1"] = triggered.readings.map(\.truth)
    reading.series["labels"] = triggered.labels
    reading.series["retrain_rows"] = triggered.retrains.map { Double($0.row) }
    reading.series["continuous_each"] = all.map(\.course.f1)
    reading.series["continuous_cost"] = all.map { cost($0.course) }
    if plan[Own.said] {
      reading.series["drift_rows"] = triggered.retrains.filter { Self.isByDrift($0.reasons) }.map {
        Double($0.row)
      }
      reading.series["truth"] = triggered.truth.map(Double.init)
      reading.series["offline_said"] = offline.said.map(Double.init)
      reading.series["continuous_said"] = good?.course.said.map(Double.init)
      reading.series["triggered_said"] = triggered.said.map(Double.init)
    }
    return reading
  }

  private static func isByDrift(_ reasons: [RetrainReason]) -> Bool {
    reasons.contains { if case .drift = $0 { true } else { false } }
  }
}
