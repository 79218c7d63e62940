@testable import TestbedExperiments
@testable import TestbedLink

/// Good and useless variants of the studies that compare the congestion control with others.
enum CongestionCases {
  static let all: [StudyFixture] = [
    StudyFixture(Coexistence.study, good: { shared($0, own: 1, rival: 1) }, useless: starved),
    StudyFixture(
      Ablation.study, readings: { cell, _, round in steered(cell, round, lead: 0.1) },
      useless: { cell, _, round in steered(cell, round, lead: 0) }),
    StudyFixture(
      ShortTransfers.study,
      good: { transfers($0, alone: 1, beside: 0.3) },
      // It waits for its turn behind its own long flow, and takes twice as long alone.
      useless: { transfers($0, alone: 2, beside: 1) }),
  ]

  /// Beside a rival: what CUBIC in our place and its rival have is 1.
  static func shared(
    _ cell: StudyCell, own: Double, rival: Double, settles: Double = 1
  ) -> [String: Double] {
    let isOurs = cell.text() == "medulla"
    let (mine, theirs) = isOurs ? (own, rival) : (1, 1)
    return [
      "own_mbps": 20 * mine, "rival_mbps": 20 * theirs, "own_share": mine, "rival_share": theirs,
      "queue_ms_mean": 10, "queue_small_after_s": isOurs ? settles : 15,
    ]
  }

  static let starved: @Sendable (StudyCell) -> [String: Double] = { shared($0, own: 0.05, rival: 1.9) }
  static let greedy: @Sendable (StudyCell) -> [String: Double] = { shared($0, own: 1.95, rival: 0.05) }
  /// It fills the queue as CUBIC does, and leaves it full.
  static let untrained: @Sendable (StudyCell) -> [String: Double] = {
    shared($0, own: 1, rival: 1, settles: 15)
  }

  /// Networks of which the trained one is so much better, with a little more or less from round to round.
  static func steered(_ cell: StudyCell, _ round: Int, lead: Double) -> Reading {
    let noise = Double(round) * 0.002
    let utility =
      switch cell.text("network") {
      case "trained": 0.8 + lead + noise
      case "delay-rule": 0.8 - noise
      case "untrained": 0.8 - lead
      default: 0.8 - 2 * lead
      }
    return Reading(keyed: [
      "utility": lead == 0 ? 0.8 : utility, "share": 0.95, "queue_ms_mean": 3, "jain": 1,
    ])
  }

  static func transfers(_ cell: StudyCell, alone: Double, beside: Double) -> [String: Double] {
    let isOurs = cell.text() == "medulla"
    let factor = cell.text("beside") == "nothing" ? alone : beside
    let time = 100 * (isOurs ? factor : 1)
    return ["transfer_ms_p50": time, "transfer_ms_p95": time * 2, "completed": 50, "broken": 0]
  }
}
