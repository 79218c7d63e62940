import MedullaLearning

/// Conditions, schemes and times of the experiment `fig12`.
public struct AdaptationPlan: Codable, Equatable, Sendable {
  /// Minutes for which the paper keeps a condition (§2.3, Figure 5).
  public static let paperMinutes = 20.0

  public var conditions: [LinkCondition]
  public var intervalSeconds = 30
  /// The last part of each interval, whose goodput is compared.
  public var measuredSeconds = 10
  /// The frozen network, and the one that the adapting scheme starts from.
  public var start: NarrowTraining
  /// Decisions of the training of a network for each condition.
  public var oracleSteps = 250_000
  public var slowPath: SlowPath.Settings
  public var schemes = AdaptationScheme.allCases
  public var repeats = 1
  public var seed: UInt64 = 1

  public init() {
    conditions = [
      LinkCondition("as trained", rateMbps: 40, bufferBdp: 0.2, background: .init(bitsPerSecond: 4e6)),
      LinkCondition("lossy", rateMbps: 40, bufferBdp: 1, loss: 0.06, background: .init(bitsPerSecond: 4e6)),
      LinkCondition(
        "slow, bursts", rateMbps: 20, bufferBdp: 2, loss: 0.08,
        background: .init(bitsPerSecond: 6e6, on: 0.5, off: 0.5)),
      LinkCondition("fast", rateMbps: 60, bufferBdp: 1, loss: 0.05, background: .init(bitsPerSecond: 15e6)),
    ]
    start = NarrowTraining(
      AuroraRanges(rate: 5e7...2e8, roundTrip: 0.03...0.1, buffer: 0.005...0.03), steps: 300_000,
      lossWeight: 5)
    slowPath = SlowPath.Settings()
    // A flow that has collapsed sends too few packets in 100 ms to tell a loss rate by.
    slowPath.interval = "1s"
    slowPath.adapter = ["kind = \"simulator\"", "steps = 8192"]
    slowPath.gates = [
      "stability = { window = 2, range = 1.0 }", "necessity = { statistic = \"mean\", alpha = 0.02 }",
      "accuracy = { max_error = 0.02 }", "update_interval = \"1s\"",
    ]
    slowPath.watch = ["window = \"1s\"", "loss = 0.2", "back_off = \"2s\""]
  }

  /// Two conditions, shorter.
  public static var quick: AdaptationPlan {
    var plan = AdaptationPlan()
    plan.conditions = Array(plan.conditions.prefix(2))
    plan.intervalSeconds = 24
    plan.measuredSeconds = 6
    plan.oracleSteps = 150_000
    return plan
  }

  public var isComplete: Bool {
    conditions.count >= 4 && Set(schemes).count == AdaptationScheme.allCases.count && intervalSeconds >= 30
      && measuredSeconds >= 10
  }

  /// How much shorter a condition stays than in the paper.
  public var compression: Double { Self.paperMinutes * 60 / Double(intervalSeconds) }

  public var runSeconds: Int { intervalSeconds * conditions.count }

  /// The measured part of an interval, in seconds of the run.
  public func measured(_ interval: Int) -> ClosedRange<Double> {
    let end = Double((interval + 1) * intervalSeconds)
    return (end - Double(measuredSeconds))...end
  }

  /// Throws `badParameter` for a plan that cannot be run.
  public func validate() throws {
    guard (1...50).contains(conditions.count), !schemes.isEmpty, (4...3_600).contains(intervalSeconds),
      (1...intervalSeconds).contains(measuredSeconds), runSeconds <= 7_200, (1...20).contains(repeats),
      (1_000...10_000_000).contains(oracleSteps), (1_000...10_000_000).contains(start.steps)
    else {
      throw TestbedError(
        .badParameter, "The plan of conditions is out of range.",
        remedy: "Use 1 to 50 conditions of at least 4 s, two hours at most, and at most 20 repeats.")
    }
    for condition in conditions { try condition.link(seed: seed).validate() }
  }
}

/// Who decides what network runs.
public enum AdaptationScheme: String, Codable, CaseIterable, Sendable {
  /// The start network for ever.
  case frozen
  /// The start network, and a daemon that replaces it.
  case adapting
  /// For each condition the network that was trained for it, put in when the condition begins.
  case trained
}
