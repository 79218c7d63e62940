import MedullaDatapath

/// A candidate that lies in a standby slot.
package struct StagedCandidate: Sendable, Equatable, Codable {
  package var version: UInt64
  /// SHA-256 of the snapshot's file.
  package var digest: String
  /// Mean error of its integers, as a part of the output's range.
  package var error: Double
  package var matchesShape: Bool
  /// How long freezing, quantizing and measuring took.
  package var seconds: Double

  package init(version: UInt64, digest: String, error: Double, matchesShape: Bool, seconds: Double) {
    self.version = version
    self.digest = digest
    self.error = error
    self.matchesShape = matchesShape
    self.seconds = seconds
  }

  package init(version: UInt64, _ candidate: Candidate) {
    self.init(
      version: version, digest: candidate.file.digest, error: candidate.error,
      matchesShape: candidate.matchesShape, seconds: candidate.seconds)
  }

  enum CodingKeys: String, CodingKey {
    case version, digest, error, seconds
    case matchesShape = "matches_shape"
  }
}

/// What the candidate would have answered beside the active snapshot.
package struct ShadowResult: Sendable, Equatable, Codable {
  package var version: UInt64
  package var decisions: Int
  /// Of the outputs, as parts of the output's range.
  package var meanDifference: Double
  package var maxDifference: Double
  package var threshold: Double
  package var passed: Bool
  package var reason: String

  package init(
    version: UInt64, decisions: Int, meanDifference: Double, maxDifference: Double, threshold: Double,
    passed: Bool, reason: String
  ) {
    self.version = version
    self.decisions = decisions
    self.meanDifference = meanDifference
    self.maxDifference = maxDifference
    self.threshold = threshold
    self.passed = passed
    self.reason = reason
  }

  /// Of a candidate that no shadow can judge: it needs a program of its own.
  static func skipped(_ version: UInt64, _ settings: ShadowSettings) -> ShadowResult {
    ShadowResult(
      version: version, decisions: 0, meanDifference: 0, maxDifference: 0, threshold: settings.maxDifference,
      passed: true,
      reason: "the candidate has another shape than the active snapshot and cannot infer beside it: "
        + "promoted without a shadow")
  }

  enum CodingKeys: String, CodingKey {
    case version, decisions, threshold, passed, reason
    case meanDifference = "mean_difference"
    case maxDifference = "max_difference"
  }
}

package struct PromotionRecord: Sendable, Equatable, Codable {
  /// Now active, and what was before.
  package var version: UInt64
  package var before: UInt64?
  /// Whether a person told so.
  package var isForced: Bool
  /// From the order to the fast path's answer.
  package var seconds: Double

  package init(version: UInt64, before: UInt64?, isForced: Bool, seconds: Double) {
    self.version = version
    self.before = before
    self.isForced = isForced
    self.seconds = seconds
  }

  enum CodingKeys: String, CodingKey {
    case version, before, seconds
    case isForced = "forced"
  }
}

/// How a watched snapshot did.
package struct WatchVerdict: Sendable, Equatable, Codable {
  package enum Outcome: String, Sendable, Equatable, Codable, CaseIterable {
    case accepted
    /// Worse, by enough and not by chance.
    case worse
    /// The rewards of all flows fell with it, those of the old version too: it is taken back to see why.
    case fell
    /// They did not recover without it: the network had changed.
    case acquitted
    /// Too few rewards for a word; the snapshot stays.
    case undecided
    /// Someone else changed the active snapshot meanwhile.
    case abandoned
  }

  package enum Comparison: String, Sendable, Equatable, Codable, CaseIterable {
    /// Old and new version over the same time, on different flows.
    case sideBySide = "side_by_side"
    /// The old version before the promotion, the new one after.
    case beforeAfter = "before_after"
    /// Without the new version, after it was taken back.
    case takenBack = "taken_back"
  }

  package var version: UInt64
  package var outcome: Outcome
  package var comparison: Comparison?
  /// What the pieces are of; nil: of a record from before it was told, a flow.
  package var unit: RandomizationUnit?
  /// Mean rewards, their number of samples and of independent pieces (a unit in a slice of time).
  package var oldMean: Double?
  package var newMean: Double?
  package var oldSamples: Int
  package var newSamples: Int
  package var oldPieces: Int
  package var newPieces: Int
  /// (old − new) / |old|; negative: better.
  package var relativeLoss: Double?
  /// Probability of such a loss by chance.
  package var probability: Double?
  package var lossLimit: Double
  package var significance: Double
  package var seconds: Double
  /// Why it is undecided.
  package var reason: String?

  package init(
    version: UInt64, outcome: Outcome, comparison: Comparison? = nil, oldMean: Double? = nil,
    newMean: Double? = nil, oldSamples: Int = 0, newSamples: Int = 0, oldPieces: Int = 0, newPieces: Int = 0,
    relativeLoss: Double? = nil, probability: Double? = nil, lossLimit: Double, significance: Double,
    seconds: Double, reason: String? = nil, unit: RandomizationUnit? = nil
  ) {
    self.version = version
    self.outcome = outcome
    self.comparison = comparison
    self.oldMean = oldMean
    self.newMean = newMean
    self.oldSamples = oldSamples
    self.newSamples = newSamples
    self.oldPieces = oldPieces
    self.newPieces = newPieces
    self.relativeLoss = relativeLoss
    self.probability = probability
    self.lossLimit = lossLimit
    self.significance = significance
    self.seconds = seconds
    self.reason = reason
    self.unit = unit
  }

  enum CodingKeys: String, CodingKey {
    case version, outcome, comparison, probability, significance, seconds, reason, unit
    case oldMean = "old_mean"
    case newMean = "new_mean"
    case oldSamples = "old_samples"
    case newSamples = "new_samples"
    case oldPieces = "old_pieces"
    case newPieces = "new_pieces"
    case relativeLoss = "relative_loss"
    case lossLimit = "loss_limit"
  }
}

package struct RollbackRecord: Sendable, Equatable, Codable {
  /// Given up, and active again.
  package var from: UInt64
  package var to: UInt64?
  /// Whether the watch or a person asked for it.
  package var isAutomatic: Bool
  /// Until the next update may be tried.
  package var backOffSeconds: Double
  /// Whether it was to show if the rewards recover; nil: it was not.
  package var isProvisional: Bool?

  package init(
    from: UInt64, to: UInt64?, isAutomatic: Bool, backOffSeconds: Double, isProvisional: Bool? = nil
  ) {
    self.isProvisional = isProvisional
    self.from = from
    self.to = to
    self.isAutomatic = isAutomatic
    self.backOffSeconds = backOffSeconds
  }

  enum CodingKeys: String, CodingKey {
    case from, to
    case isAutomatic = "automatic"
    case backOffSeconds = "back_off_seconds"
    case isProvisional = "provisional"
  }
}
