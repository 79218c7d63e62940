@testable import TestbedExperiments
@testable import TestbedLink

/// Good and useless variants of the studies of updates, adaptation and learned priorities.
enum SlowPathCases {
  static let all = [swap, updates, consistency, convergence, adaptation, batches, scheduling]

  private static func swapped(
    _ cell: StudyCell, goodput: Double = 190, change: Double = 0.09
  ) -> [String: Double] {
    let with = cell.text("swapping") == "true"
    var values: [String: Double] = [
      "swaps": with ? 60 : 0, "goodput_mbps": 190, "after_over_before": 1, "queue_ms_mean": 5,
    ]
    if with { (values["goodput_mbps"], values["action_change"]) = (goodput, change) }
    return values
  }

  private static let swap = StudyFixture(
    SnapshotSwap.study, good: { swapped($0) },
    useless: StudyCases.flat([
      "swaps": 0, "goodput_mbps": 190, "after_over_before": 1, "queue_ms_mean": 5,
    ]),
    others: [
      "swaps that change nothing": { cell, _ in swapped(cell, change: 0.001) },
      "swaps that cost 2%": { cell, _ in swapped(cell, goodput: 186) },
      "too much noise to tell": { cell, round in swapped(cell, goodput: round % 2 == 0 ? 150 : 230) },
    ])

  private static func updated(
    _ cell: StudyCell, _ plan: StudyPlan, decision: Double = 500, change: Double = 0.09
  ) -> Reading {
    let with = cell.text("updating") == "true"
    var reading = Reading(keyed: [
      "updates": with ? Double(Updates.updatesPerPhase(plan)) : 0, "retransmits_per_minute": 0,
      "decision_ns": with ? decision : 500, "decision_p99_ns": 600, "goodput_mbps": 95, "queue_ms_mean": 10,
    ])
    if with { reading[Updates.change] = change }
    reading.series[Updates.promotionSeries] = with ? [0.2, 0.3] : []
    return reading
  }

  private static let updates = StudyFixture(
    Updates.study, readings: { cell, plan, _ in updated(cell, plan) },
    useless: { _, _, _ in
      Reading(keyed: [
        "updates": 0, "retransmits_per_minute": 0, "decision_ns": 500, "decision_p99_ns": 600,
        "goodput_mbps": 95, "queue_ms_mean": 10,
      ])
    },
    others: [
      "updates that change nothing": { cell, plan, _ in updated(cell, plan, change: 0.001) },
      "decisions that take a fifth longer": { cell, plan, _ in updated(cell, plan, decision: 600) },
      "too much noise to tell": { cell, plan, round in
        updated(cell, plan, decision: round % 2 == 0 ? 300 : 700)
      },
    ])

  private static func kept(
    _ cell: StudyCell, keeps: Bool? = nil, change: Double = 0.4, queue: Double = 7
  ) -> [String: Double] {
    let keeps = keeps ?? (cell.text("consistent") == "true")
    return [
      "kept": keeps ? 1 : 0, "old_bits": keeps ? 1 : 0, "new_bits": keeps ? 0 : 1, "fresh": 1,
      "actions_checked": 90, "actions_wrong": 0, "action_change": change, "queue_before_ms": 5,
      "queue_after_ms": keeps ? 5 : queue, "queue_ratio": keeps ? 1 : queue / 5,
    ]
  }

  private static let consistency = StudyFixture(
    Consistency.study, good: { kept($0) }, useless: { kept($0, keeps: false) },
    others: [
      "nobody follows": { cell, _ in kept(cell, keeps: true) },
      "networks that are the same": { cell, _ in kept(cell, change: 0, queue: 5) },
    ])

  private static func trained(_ cell: StudyCell, reward: Double, power: Double) -> [String: Double] {
    let isLast = cell.text("training_round") == "-1"
    return [
      "goodput_mbps": 23, "queue_ms_mean": 3, "reward": isLast ? reward : -0.2,
      "power": isLast ? power : 0.37,
    ]
  }

  private static let convergence = StudyFixture(
    Convergence.fig8, good: { trained($0, reward: -0.05, power: 0.7) },
    useless: { trained($0, reward: -0.2, power: 0.37) },
    others: [
      // It fills the link as the untrained network does: by filling the buffer.
      "a training that only the simulator rewards": { cell, _ in trained(cell, reward: -0.05, power: 0.37) }
    ])

  private static func adapted(
    _ cell: StudyCell, adapting: Double, frozen: Double = 6
  ) -> [String: Double] {
    let goodput = StudyCases.pick(cell, ["trained": 30, "frozen": frozen], else: adapting)
    let each = (0..<4).map { ("goodput_mbps_\($0)", goodput) }
    return Dictionary(each + [("updates", cell.text() == "adapting" ? 5 : 0)]) { first, _ in first }
  }

  private static let adaptation = StudyFixture(
    Adaptation.fig12, good: { adapted($0, adapting: 29) }, useless: { adapted($0, adapting: 6) },
    others: [
      "a frozen network that does as well": { cell, _ in adapted(cell, adapting: 29, frozen: 29) },
      "now better than frozen, now worse": { cell, round in
        adapted(cell, adapting: 29.5, frozen: round % 2 == 0 ? 15 : 60)
      },
    ])

  private static func collected(_ cell: StudyCell, softirq: Double) -> [String: Double] {
    ["softirq": cell.text("interval") == "none" ? 1.6 : softirq, "single_mbps": 190, "samples": 100]
  }

  private static let batches = StudyFixture(
    BatchInterval.fig14, good: { collected($0, softirq: 1.7) },
    useless: StudyCases.flat(["softirq": 1.6, "single_mbps": 190, "samples": 0]),
    others: [
      "batches that double what interrupts take": { cell, _ in collected(cell, softirq: 3.2) },
      "too much noise to tell": { cell, round in collected(cell, softirq: round % 2 == 0 ? 1.2 : 2) },
    ])

  private static func prioritized(_ cell: StudyCell, frozen: Double = 70) -> [String: Double] {
    [
      "short_us_mean": StudyCases.pick(
        cell, ["off": 167, "ideal": 61, "kernel": 62, "kernel/not-adapted": frozen], else: 70),
      "middle_us_mean": 130, "long_us_mean": 9_000, "unfinished": 0, "inferences_checked": 100,
      "inferences_wrong": 0,
    ]
  }

  private static let scheduling = StudyFixture(
    Scheduling.fig16, good: { prioritized($0) },
    useless: StudyCases.flat([
      "short_us_mean": 167, "middle_us_mean": 130, "long_us_mean": 9_000, "unfinished": 0,
      "inferences_checked": 100, "inferences_wrong": 0,
    ]),
    others: ["what has not adapted is as good": { cell, _ in prioritized(cell, frozen: 62) }])
}
