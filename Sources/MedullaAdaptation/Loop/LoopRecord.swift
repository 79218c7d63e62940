/// One thing that a function's slow path did or found, with its numbers. `medulla why` answers from these.
package enum LoopRecord: Sendable, Equatable, Codable {
  /// What came from the fast path, summed over about a second.
  case batch(BatchStatistics)
  /// A round of the adapter; at most one a second is told.
  case progress(RoundProgress)
  /// An adapter that learns from labels has, or has not, trained its network anew.
  case retrain(RetrainRecord)
  case failure(LoopFailure)
  /// What stands before learning says something else than before.
  case trigger(TriggerDecision)
  /// The gates as they were asked in one round; written when a gate's word changes, and before each update.
  case gates([GateDecision])
  case staged(StagedCandidate)
  case shadow(ShadowResult)
  case promotion(PromotionRecord)
  case verdict(WatchVerdict)
  case rollback(RollbackRecord)
  /// Someone else has changed what is active: it stays until a person lets it go.
  case pin(PinRecord)
  case command(RunnerCommand)

  /// A short name, the same as the key in JSON.
  package var kind: String {
    switch self {
    case .batch: "batch"
    case .progress: "progress"
    case .retrain: "retrain"
    case .failure: "failure"
    case .trigger: "trigger"
    case .gates: "gates"
    case .staged: "staged"
    case .shadow: "shadow"
    case .promotion: "promotion"
    case .verdict: "verdict"
    case .rollback: "rollback"
    case .pin: "pin"
    case .command: "command"
    }
  }

  /// The snapshot version that the record is about, when it is about one.
  package var version: UInt64? {
    switch self {
    case .staged(let candidate): candidate.version
    case .shadow(let result): result.version
    case .promotion(let promotion): promotion.version
    case .verdict(let verdict): verdict.version
    case .rollback(let rollback): rollback.from
    case .pin(let pin): pin.version
    case .batch, .progress, .retrain, .failure, .trigger, .gates, .command: nil
    }
  }
}

/// Samples of about a second.
package struct BatchStatistics: Sendable, Equatable, Codable {
  package var seconds: Double
  package var batches: Int
  package var samples: Int
  /// Flows among the samples, counted up to 65,536.
  package var flows: Int
  package var dropped: UInt64
  package var discarded: UInt64
  package var rewardMean: Double?

  package init(
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
package struct RoundProgress: Sendable, Equatable, Codable {
  package var round: UInt64
  package var samples: Int
  package var seconds: Double
  package var stability: Double
  package var figures: [String: Double]

  package init(round: UInt64, samples: Int, seconds: Double, stability: Double, figures: [String: Double]) {
    self.round = round
    self.samples = samples
    self.seconds = seconds
    self.stability = stability
    self.figures = figures
  }
}

/// Something failed; the fast path goes on as it was.
package struct LoopFailure: Sendable, Equatable, Codable {
  package enum Step: String, Sendable, Equatable, Codable, CaseIterable {
    case drain, adapt, query, evaluate, freeze, quantize, stage, shadow, promote, discard, rollback
  }

  package var step: Step
  /// The error's own words, with a traceback where there is one; at most 16 KiB.
  package var message: String

  package static let messageLimit = 16 << 10

  /// In one line, for people.
  package var line: String { "\(step.rawValue): \(message)" }

  package init(step: Step, message: String) {
    self.step = step
    self.message = String(message.prefix(Self.messageLimit))
  }
}
