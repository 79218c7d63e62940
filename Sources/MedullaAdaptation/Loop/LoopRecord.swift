/// One thing that a function's slow path did or found, with its numbers. `medulla why` answers from these.
public enum LoopRecord: Sendable, Equatable, Codable {
  /// What came from the fast path, summed over about a second.
  case batch(BatchStatistics)
  /// A round of the adapter; at most one a second is told.
  case progress(RoundProgress)
  case failure(LoopFailure)
  /// The gates as they were asked in one round; written when a gate's word changes, and before each update.
  case gates([GateDecision])
  case staged(StagedCandidate)
  case shadow(ShadowResult)
  case promotion(PromotionRecord)
  case verdict(WatchVerdict)
  case rollback(RollbackRecord)
  case command(RunnerCommand)

  /// A short name, the same as the key in JSON.
  public var kind: String {
    switch self {
    case .batch: "batch"
    case .progress: "progress"
    case .failure: "failure"
    case .gates: "gates"
    case .staged: "staged"
    case .shadow: "shadow"
    case .promotion: "promotion"
    case .verdict: "verdict"
    case .rollback: "rollback"
    case .command: "command"
    }
  }

  /// The snapshot version that the record is about, when it is about one.
  public var version: UInt64? {
    switch self {
    case .staged(let candidate): candidate.version
    case .shadow(let result): result.version
    case .promotion(let promotion): promotion.version
    case .verdict(let verdict): verdict.version
    case .rollback(let rollback): rollback.from
    case .batch, .progress, .failure, .gates, .command: nil
    }
  }
}

/// Samples of about a second.
public struct BatchStatistics: Sendable, Equatable, Codable {
  public var seconds: Double
  public var batches: Int
  public var samples: Int
  /// Flows among the samples, counted up to 65,536.
  public var flows: Int
  public var dropped: UInt64
  public var discarded: UInt64
  public var rewardMean: Double?

  public init(
    seconds: Double, batches: Int, samples: Int, flows: Int, dropped: UInt64, discarded: UInt64,
    rewardMean: Double? = nil
  ) {
    self.seconds = seconds
    self.batches = batches
    self.samples = samples
    self.flows = flows
    self.dropped = dropped
    self.discarded = discarded
    self.rewardMean = rewardMean
  }

  enum CodingKeys: String, CodingKey {
    case seconds, batches, samples, flows, dropped, discarded
    case rewardMean = "reward_mean"
  }
}

/// One round of the adapter.
public struct RoundProgress: Sendable, Equatable, Codable {
  public var round: UInt64
  public var samples: Int
  public var seconds: Double
  public var stability: Double
  public var figures: [String: Double]

  public init(round: UInt64, samples: Int, seconds: Double, stability: Double, figures: [String: Double]) {
    self.round = round
    self.samples = samples
    self.seconds = seconds
    self.stability = stability
    self.figures = figures
  }
}

/// Something failed; the fast path goes on as it was.
public struct LoopFailure: Sendable, Equatable, Codable {
  public enum Step: String, Sendable, Equatable, Codable, CaseIterable {
    case drain, adapt, query, evaluate, freeze, quantize, stage, shadow, promote, discard, rollback
  }

  public var step: Step
  /// The error's own words, with a traceback where there is one; at most 16 KiB.
  public var message: String

  public static let messageLimit = 16 << 10

  public init(step: Step, message: String) {
    self.step = step
    self.message = String(message.prefix(Self.messageLimit))
  }
}
