import MedullaBase
import MedullaRetraining
import TestbedLink
import TestbedMeasures

/// Noisy, hostile and few labels: the study `caravan-noise`.
enum CaravanNoise {
  /// What labels the rows.
  enum Condition: String, CaseIterable {
    case clean
    case three20 = "three-20"
    case three30 = "three-30"
    case three40 = "three-40"
    case one20 = "one-20"
    case inverting, random, targeted
    case budget20 = "budget-20"
    case budget10 = "budget-10"
    case budget5 = "budget-5"

    var agents: [RowAgents.Kind] {
      switch self {
      case .clean, .budget20, .budget10, .budget5: [.noisy(0)]
      case .three20: Array(repeating: .noisy(0.2), count: 3)
      case .three30: Array(repeating: .noisy(0.3), count: 3)
      case .three40: Array(repeating: .noisy(0.4), count: 3)
      case .one20: [.noisy(0.2)]
      case .inverting: [.noisy(0.05), .noisy(0.05), .inverting]
      case .random: [.noisy(0.05), .noisy(0.05), .random]
      case .targeted: [.noisy(0.05), .noisy(0.05), .targeted]
      }
    }

    var budget: Double {
      switch self {
      case .budget20: 0.2
      case .budget10: 0.1
      case .budget5: 0.05
      default: 1
      }
    }
  }

  static let conditions = Axis(
    "conditions", "condition", Condition.allCases.map(\.rawValue), "Who labels, and how much.")
  static let hostileNoise = "5%"

  private static func drop(_ condition: String) -> Figure {
    Figure.difference(
      "clean less \(condition)", Caravan.triggered, conditions("clean"), less: conditions(condition))
  }

  static let study = Study(
    "caravan-noise", "Rows replayed with labels that are wrong, hostile or few.",
    discussion: "As `caravan`, on the stream without port in windows of 100; minutes in a release build.",
    method: """
      As in `caravan`, triggered, with labels of simulated agents of stated error rates, merged by Dawid and \
      Skene over the last 500 flows with votes; hostile agents stand beside two that err in \(hostileNoise). \
      A budget is a share of the rows, drawn by chance, with a burst of 40 when inputs drift.
      """,
    keys: [
      Caravan.flows, Caravan.label, conditions, Caravan.bootstrap, Caravan.rows, Caravan.epochs,
      Common.repeats.with(5),
    ],
    quick: { ($0[Common.repeats], $0[Caravan.rows]) = (1, 1_500) },
    cells: { [StudyCell].one.times(conditions, $0) },
    check: { plan in
      try Study.require(
        plan[conditions].allSatisfy { Condition(rawValue: $0) != nil }, "A condition is not known.",
        remedy: "Use \(Condition.allCases.map(\.rawValue).joined(separator: ", ")).")
    },
    whole: { $0[Caravan.rows] == 0 },
    course: .trials(.asListed) { plan, _ in
      let stream = try CaravanReplay.stream(plan, withPort: false, interleaved: false)
      return { cell, round in
        guard let rows = stream, let condition = Condition(rawValue: cell[conditions]) else {
          return Reading()
        }
        return try measure(rows, condition, plan, seed: plan.seed(round: round))
      }
    },
    metrics: [Caravan.triggered, Caravan.retrains, Caravan.labels, Caravan.refused],
    figures: [Figure("clean", places: 3) { $0.estimate(Caravan.triggered, [conditions("clean")]) }]
      + Condition.allCases.dropFirst().map { drop($0.rawValue) },
    bounds: [
      // Who learns nothing loses nothing by noise.
      Bound("clean", .atLeast(0.88), .ours, by: .interval),
      Bound("clean less three-20", .atMost(0.01), .ours, by: .interval),
      Bound("clean less three-30", .atMost(0.03), .ours, by: .interval),
      Bound("clean less three-40", .atMost(0.08), .ours, by: .interval),
      Bound("clean less one-20", .atMost(0.03), .ours, by: .interval),
      Bound("clean less inverting", .atMost(0.02), .ours, by: .interval),
      Bound("clean less random", .atMost(0.02), .ours, by: .interval),
      Bound("clean less targeted", .atMost(0.02), .ours, by: .interval),
      Bound("clean less budget-20", .atMost(0.03), .ours, by: .interval),
      Bound("clean less budget-10", .atMost(0.02), .ours, by: .interval),
      Bound("clean less budget-5", .atMost(0.035), .ours, by: .interval),
    ],
    plots: [.bars("Triggered macro-F1, by condition and seed", Caravan.triggered, mark: .dots)])

  private static func measure(
    _ rows: FlowRows, _ condition: Condition, _ plan: StudyPlan, seed: UInt64
  ) throws -> Reading {
    var settings = RowLoop.Settings()
    (settings.bootstrap, settings.online.training.epochs) = (plan[Caravan.bootstrap], plan[Caravan.epochs])
    (settings.agents, settings.budget) = (condition.agents, condition.budget)
    let start = try RowLoop.start(rows, settings, seed: seed)
    var loop = try RowLoop(rows, start, settings, seed: seed)
    let course = try loop.run()
    return Reading([
      Caravan.triggered: course.f1, Caravan.retrains: Double(course.retrains.count),
      Caravan.labels: course.labelled, Caravan.refused: Double(course.refused),
    ])
  }
}
