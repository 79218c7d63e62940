@testable import TestbedExperiments
@testable import TestbedLink

/// A good and a useless variant of every study.
enum StudyCases {
  static let all: [StudyFixture] =
    congested + processors + kernelPart + SlowPathCases.all + beyond + NetworkFunctionCases.all
    + FabricCases.all + CongestionCases.all

  static func flat(_ values: [String: Double]) -> @Sendable (StudyCell) -> [String: Double] {
    { _ in values }
  }

  /// One value for each scheme, the rest's for the others.
  static func pick(_ cell: StudyCell, _ values: [String: Double], else rest: Double) -> Double {
    values[cell.text()] ?? rest
  }

  private static let alike = flat([
    "goodput_mbps": 700, "deviation_mbps": 40, "distance_mbps": 100, "queue_deviation_ms": 1,
    "longest_queue_deviation_kb": 1,
  ])

  private static func congestedPath(_ cell: StudyCell) -> [String: Double] {
    [
      "goodput_mbps": pick(cell, ["medulla": 845, "user-1ms": 672, "user-100ms": 585], else: 700),
      "deviation_mbps": pick(cell, ["medulla": 20], else: 40),
      "distance_mbps": pick(cell, ["medulla": 50], else: 100),
      "queue_deviation_ms": pick(cell, ["user-100ms": 2], else: 1),
      "longest_queue_deviation_kb": pick(cell, ["user-100ms": 2], else: 1),
    ]
  }

  private static let slowLink: @Sendable (StudyCell) -> [String: Double] = { cell in
    ["utilization": 0.95, "ingress_error": pick(cell, ["user-100ms": 0.2], else: 0.1)]
  }
  private static let silent = flat(["utilization": 0, "ingress_error": 1])

  private static let congested = [
    StudyFixture(CongestedPath.fig1, good: congestedPath, useless: alike),
    StudyFixture(CongestedPath.fig11, good: congestedPath, useless: alike),
    StudyFixture(CongestedPath.changing, good: congestedPath, useless: alike),
    StudyFixture(RateOverTime.fig2, good: slowLink, useless: silent),
    StudyFixture(RateOverTime.changing, good: slowLink, useless: silent),
  ]

  /// User space takes of the processor, and the more so the smaller its interval.
  private static let shares: @Sendable (StudyCell) -> [String: Double] = { cell in
    let slow = ["user-ack", "user-1ms", "onnx-ack", "onnx-1ms"].contains(cell.text())
    return [
      "goodput_mbps": slow ? 80 : 100, "sender_busy": slow ? 0.97 : 0.92, "spent": slow ? 0.5 : 0.3,
      "sender_softirq": slow ? 0.8 : 0.2,
    ]
  }
  private static let load: @Sendable (StudyCell) -> [String: Double] = { cell in
    var values = shares(cell)
    values["sender_busy"] = values["spent"]
    return values
  }
  private static let equal = flat([
    "goodput_mbps": 100, "sender_busy": 0.95, "spent": 0.3, "sender_softirq": 0.2,
  ])

  private static let processors = [
    StudyFixture(Concurrency.fig3, good: shares, useless: equal),
    StudyFixture(Concurrency.fig4, good: load, useless: equal),
    StudyFixture(Concurrency.fig13, good: shares, useless: equal),
    StudyFixture(Concurrency.senderLimited, good: shares, useless: equal),
    // What it costs shows only where the processor is busy.
    StudyFixture(
      Concurrency.lowLatency,
      good: { ["goodput_mbps": pick($0, ["dummy": 99], else: 100), "sender_busy": 0.95] },
      useless: { ["goodput_mbps": pick($0, ["dummy": 50], else: 100), "sender_busy": 0.95] },
      others: ["idle": { _, _ in ["goodput_mbps": 100, "sender_busy": 0.3] }]),
    StudyFixture(Concurrency.engine, good: shares, useless: equal),
    StudyFixture(Concurrency.engineLoad, good: load, useless: equal),
    StudyFixture(
      PredictionLatency.fig15,
      good: { cell in
        let ns = cell.text("way") == "in kernel" ? 100.0 : 2_000
        return ["mean_ns": ns, "p50_ns": ns, "p99_ns": ns]
      }, useless: flat(["mean_ns": 100, "p50_ns": 100, "p99_ns": 100])),
  ]

  private static let kernelPart = [
    StudyFixture(QuantizationLoss.fig7, good: flat(["mean_loss": 0.001]), useless: flat(["mean_loss": 0.5])),
    StudyFixture(Interface.table1, good: flat(["holds": 1]), useless: flat(["holds": 0])),
  ]

  private static let beyond = [
    StudyFixture(
      Links.study,
      good: { cell in
        ["share": 0.95, "jain": 1, "queue_ms_mean": cell.text("congestion") == "cubic" ? 9 : 5]
      }, useless: flat(["share": 1, "jain": 1, "queue_ms_mean": 9])),
    StudyFixture(
      Fairness.study, good: flat(["jain": 0.97, "own_share": 0.5]), useless: flat(["jain": 0.3])),
    StudyFixture(
      HardPaths.study, good: HardPathsStudyTests.carried, useless: HardPathsStudyTests.starved),
    StudyFixture(
      VariableRate.study,
      good: { ["utilization": 0.9, "queue_ms_p95": pick($0, ["cubic": 90], else: 20)] },
      useless: flat(["utilization": 0, "queue_ms_p95": 0])),
    StudyFixture(
      ManyFlows.study, good: flat(["share": 0.97, "starved": 0, "stateless": 0]),
      useless: flat(["share": 0, "starved": 1000, "stateless": 0])),
    StudyFixture(
      CompletionTimes.study,
      good: { ["short_ms_mean": pick($0, ["medulla": 20], else: 30), "completed": 500, "broken": 0] },
      useless: flat(["completed": 0, "broken": 0])),
    StudyFixture(
      Interactive.study,
      good: { ["answer_ms_p95": pick($0, ["cubic": 140], else: 50), "bulk_mbps": 31, "endless": 0] },
      useless: { ["answer_ms_p95": 30, "bulk_mbps": pick($0, ["medulla": 0], else: 31), "endless": 0] }),
    StudyFixture(
      Applications.study, good: flat(["pages_per_second": 110, "failed_requests": 0]),
      useless: { ["pages_per_second": pick($0, ["medulla": 0], else: 110), "failed_requests": 0] }),
    StudyFixture(
      CaptureApplications.study, readings: { cell, _, round in recognized(cell, round, lead: 0.01) },
      useless: { cell, _, round in recognized(cell, round, lead: -0.2) }),
    StudyFixture(
      PacketRate.study, good: packets,
      useless: { cell in
        var values = packets(cell)
        if cell.text("case") == "inference" { values["received_mpps"] = 0.1 }
        return values
      }),
    StudyFixture(
      FabricScheduling.study, readings: { cell, _, round in FabricSchedulingTests.scheduled(cell, round) },
      useless: { cell, _, round in FabricSchedulingTests.scheduled(cell, round, isUseless: true) }),
    StudyFixture(
      FabricPaths.study, readings: { cell, _, round in FabricPathsTests.steered(cell, round) },
      useless: { cell, _, round in FabricPathsTests.steered(cell, round, isUseless: true) }),
    StudyFixture(Marking.atGuideline, good: marked, useless: unmarked),
    StudyFixture(Marking.withBurst, good: marked, useless: unmarked),
    StudyFixture(
      Balancing.fig17,
      good: { cell in
        let factor = pick(cell, ["kernel": 1, "ring": 1, "char": 1, "netlink": 1], else: 1.3)
        return balanced(factor)
      }, useless: { _ in balanced(1) }),
    StudyFixture(Caravan.cic, good: retrained, useless: frozenRows),
    StudyFixture(Caravan.unsw, good: retrained, useless: frozenRows),
    StudyFixture(
      CaravanNoise.study,
      good: { ["triggered_f1": pick($0, "condition", ["clean": 0.92], else: 0.915)] },
      useless: flat(["triggered_f1": 0.5])),
    // It never trains, and its first network is sure of whatever it says.
    StudyFixture(
      CaravanPackets.study,
      good: flat([
        "flows": 4_900, "kernel_share": 0.97, "f1": 0.79, "large_f1": 0.8, "frozen_f1": 0.5, "loss": 0.01,
        "gain": 0.29, "latency_s": 1.2, "promotions": 5, "rate_ratio": 0.98,
      ]),
      useless: flat([
        "flows": 4_900, "kernel_share": 1, "f1": 0.5, "large_f1": 0.8, "frozen_f1": 0.5, "loss": 0.3,
        "gain": 0, "promotions": 0, "rate_ratio": 1,
      ])),
    StudyFixture(
      Soak.study, readings: { SoakCases.look($1, $2) },
      useless: { SoakCases.look($1, $2, crashes: 0, version: 1) }),
  ]

  private static let retrained = flat([
    "offline_f1": 0.5, "continuous_f1": 0.95, "triggered_f1": 0.95, "triggered_over_offline": 1.9,
    "continuous_less_triggered": 0, "retrains": 6, "compute_over_continuous": 0.3,
    "compute_at_equal_settings": 0.2, "labels_share": 1,
  ])
  /// It never trains, and costs nothing.
  private static let frozenRows = flat([
    "offline_f1": 0.5, "continuous_f1": 0.95, "triggered_f1": 0.5, "triggered_over_offline": 1,
    "continuous_less_triggered": 0.45, "retrains": 0, "compute_over_continuous": 0,
    "compute_at_equal_settings": 0, "labels_share": 0,
  ])

  private static func balanced(_ factor: Double) -> [String: Double] {
    [
      "short_us_mean": 200 * factor, "middle_us_mean": 260 * factor, "long_us_mean": 8_000 * factor,
      "unfinished": 0, "inferences_checked": 100, "inferences_wrong": 0,
    ]
  }

  /// A network that is so much better than the tree, with a little more or less from split to split.
  static func recognized(_ cell: StudyCell, _ round: Int, lead: Double) -> Reading {
    let isShuffled = cell.text("variant") == "shuffled"
    var values = [
      "macro_f1": isShuffled ? 0.08 : 0.5, "categories": 11, "float_macro_f1": 0.5,
      "quantization_change": 0.002,
    ]
    if !isShuffled { values["above_tree"] = lead + (round % 2 == 0 ? 0.01 : -0.01) }
    if cell.text("variant") == "behaviour", round == 0 {
      (values["kernel_asked"], values["kernel_different"]) = (1_196, 0)
    }
    return Reading(keyed: values)
  }

  /// A classifier that is twice as dear as a drop.
  static let packets: @Sendable (StudyCell) -> [String: Double] = { cell in
    let place = cell.text("place")
    guard place != "netlink" else {
      return ["p50_ns": pick(cell, "case", ["in kernel": 100, "empty program": 50], else: 2_000)]
    }
    guard place.hasSuffix("core") || place.hasSuffix("cores") else {
      return ["warm_ns": pick(cell, "case", ["inference": 400], else: 90), "cold_ns": 3_000]
    }
    let share = pick(cell, "case", ["no function": 1], else: 0.5)
    return [
      "received_mpps": (place == "two-cores" ? 8 : 4) * share, "sent_mpps": 4,
      "receiver_ns": 100 / share, "inferences_per_packet": 1,
    ]
  }

  private static func pick(
    _ cell: StudyCell, _ part: String, _ values: [String: Double], else rest: Double
  ) -> Double {
    values[cell.text(part)] ?? rest
  }

  static let marked = flat([
    "utilization": 0.97, "queue_over_k": 0.6, "queue_factor": 1.2, "dropped_in_all": 0, "jain": 0.97,
    "queue_ms_mean": 1, "queue_ms_p95": 2, "marked_share": 0.1,
  ])
  private static let unmarked = flat([
    "utilization": 0.97, "queue_over_k": 12, "queue_factor": 12, "dropped_in_all": 40, "jain": 0.97,
  ])
}
