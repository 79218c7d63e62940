import MedullaBase
import MedullaFabric
import TestbedLink
import TestbedReport

/// Two networks on one fabric, four clients, and what goes wrong meanwhile: the studies `fabric-faults` and
/// `fabric-faults-large`.
enum FabricFaults {
  /// What goes wrong.
  enum Fault: String, CaseIterable {
    case none
    case loss1 = "loss-1"
    case loss5 = "loss-5"
    case disorder
    case kills
    case swaps

    var title: String {
      switch self {
      case .none: "nothing"
      case .loss1: "1% of cells lost at each switch"
      case .loss5: "5% of cells lost at each switch"
      case .disorder: "cells doubled and in disorder"
      case .kills: "a switch dies every second"
      case .swaps: "a network is replaced every half second"
      }
    }
  }

  static let faults = Axis("faults", "fault", Fault.allCases.map(\.rawValue), "What goes wrong.")
    .titled { Fault(rawValue: $0)?.title ?? $0 }
  static let seconds = Setting("seconds", 30.0, .atLeast, in: 2...3_600, "Of each fault.")

  static let inferences = Metric("inferences", "inferences", places: 0)
  static let wrong = Metric("wrong", "wrong answers", places: 0)
  static let unanswered = Metric("unanswered", "without an answer", places: 0)
  static let p50 = Metric("p50_us", "an answer, p50", "µs", places: 0)
  static let p99 = Metric("p99_us", "an answer, p99", "µs", places: 0)
  static let repeated = Metric("repeated", "answers that were asked for again", places: 0)
  static let moves = Metric("moves", "layers moved, or networks replaced", places: 0)
  static let failover = Metric("failover_ms", "first answer after a death, median", "ms", places: 0)
  static let failoverMost = Metric("failover_p99_ms", "first answer after a death, p99", "ms", places: 0)

  private static func sum(_ name: String, _ metric: Metric) -> Figure {
    Figure(name) { runs in
      let values = Fault.allCases.compactMap { runs.mean(metric, [faults($0.rawValue)]) }
      return values.isEmpty ? nil : Estimate(values.reduce(0, +))
    }
  }

  /// The fewest of a fault's, so that a fault that did not happen is none that was borne.
  private static func least(_ name: String, _ metric: Metric, _ some: [Fault]) -> Figure {
    Figure(name, places: 0) { runs in
      let values = some.compactMap { runs.mean(metric, [faults($0.rawValue)]) }
      return values.count == some.count ? values.min().map { Estimate($0) } : nil
    }
  }

  /// Of small networks.
  static let study = study(
    "fabric-faults",
    "Two networks on a fabric, while cells are lost, switches die, and networks are replaced.",
    discussion: "Needs root and clang; four minutes, --quick one.",
    networks: "a small network over images and one of 1024-512-16", keys: []
  ) { _ in
    try [FaultyFabric.Asked(.smallImages), FaultyFabric.Asked(.wide)]
  }

  /// Of mini-AlexNet at its full size.
  static let large = study(
    "fabric-faults-large",
    "Two networks of mini-AlexNet's size on a fabric: cells are lost, switches die, one is replaced.",
    discussion: """
      Needs root, clang, and what `make fabric-model` trains; with 150 s of each fault twenty minutes, \
      --quick two.
      """,
    networks: "mini-AlexNet as `make fabric-model` trains it, and one of its layers with drawn weights",
    keys: [FabricAccuracy.folder], seconds: seconds.with(150)
  ) { plan in
    let trained = try TrainedNetwork(plan[FabricAccuracy.folder])
    return try [
      FaultyFabric.Asked(trained, layers: .miniAlexNet), FaultyFabric.Asked(.miniAlexNet, name: "drawn"),
    ]
  }

  private static func study(
    _ name: String, _ title: String, discussion: String, networks: String, keys: [any PlanKey],
    seconds: Setting<Double> = seconds,
    _ asked: @escaping @Sendable (StudyPlan) throws -> [FaultyFabric.Asked]
  ) -> Study {
    Study(
      name, title, discussion: discussion, method: method(networks),
      paper: PaperFigure("Distributed DNN Serving, §4", "Fault tolerance is left open."),
      keys: [faults, seconds, Common.repeats.with(1)] + keys,
      quick: { $0[seconds] = 4 },
      cells: { [StudyCell].one.times(faults, $0) },
      check: { plan in
        try Study.require(
          plan[faults].allSatisfy { Fault(rawValue: $0) != nil }, "A fault of the plan is not known.",
          remedy: "Use faults \(Fault.allCases.map(\.rawValue).joined(separator: ", ")).")
      },
      course: .trials(.asListed) { plan, _ in
        let networks = try asked(plan)
        return { cell, _ in
          guard let fault = Fault(rawValue: cell[faults]) else { return Reading() }
          return try FaultyFabric(fault, networks).measure(seconds: plan[seconds])
        }
      },
      metrics: [inferences, wrong, unanswered, repeated, p50, p99, moves, failover, failoverMost],
      figures: figures, bounds: bounds, plots: [.bars("An answer, p99", p99, scale: .logarithmic)])
  }

  private static func method(_ networks: String) -> String {
    """
    Eight leaves and four spines; \(networks), two clients of each, with four inferences at once. Every \
    answer is compared with the reference interpreter's of the version that gave it. Lost: each switch drops \
    cells that come from others, by chance. Disorder: a client's cells go out in random order, a fifth of \
    them twice. Deaths: every second another leaf or spine, but not the clients' leaf, drops everything for \
    half a second; it is found out by its links' silence for 150 ms. The first answer after a death is of an \
    inference that began after it, of a network that had to move. Replaced: the first of the two, by other \
    weights, with no time to drain, so that what has begun begins again.
    """
  }

  private static let figures = [
    sum("inferences, all faults", inferences), sum("wrong answers, all faults", wrong),
    sum("without an answer, all faults", unanswered),
    least("answers that were asked for again, with loss", repeated, [.loss1, .loss5]),
    least("layers moved, or networks replaced", moves, [.kills, .swaps]),
    Figure("first answer after a death, p99 (ms)", places: 0) { runs in
      runs.mean(failoverMost, [faults(Fault.kills.rawValue)]).map { Estimate($0) }
    },
  ]

  private static let bounds = [
    Bound("wrong answers, all faults", .atMost(0), .ours),
    Bound("without an answer, all faults", .atMost(0), .ours),
    Bound("inferences, all faults", .atLeast(100_000), .ours),
    Bound("answers that were asked for again, with loss", .atLeast(100), .ours),
    Bound("layers moved, or networks replaced", .atLeast(10), .ours),
    Bound("first answer after a death, p99 (ms)", .atMost(500), .ours),
  ]
}
