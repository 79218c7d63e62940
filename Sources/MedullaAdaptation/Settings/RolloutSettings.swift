/// The candidate infers beside the active snapshot before it acts: the table `shadow` of a function.
package struct ShadowSettings: Sendable, Equatable, Codable {
  /// Every n-th decision; 0: there is no shadow phase.
  package var every: Int
  /// Compared decisions that the phase needs.
  package var decisions: Int
  /// Largest mean difference of the outputs as a part of the output's range; a candidate beyond it goes.
  package var maxDifference: Double
  /// The phase is given up, and the candidate with it, when so long brought too few decisions.
  package var limit: Duration

  package init(
    every: Int = 0, decisions: Int = 200, maxDifference: Double = 0.5, limit: Duration = .seconds(60)
  ) {
    self.every = every
    self.decisions = decisions
    self.maxDifference = maxDifference
    self.limit = limit
  }

  func validate(of name: String) throws(AdaptationError) {
    func demand(_ holds: Bool, _ message: String) throws(AdaptationError) {
      try AdaptationError.demand(holds, "function \(name), shadow: \(message)")
    }
    try demand((0...1_000_000).contains(every), "every must be 0 to 1000000")
    try demand((1...1_000_000).contains(decisions), "decisions must be 1 to 1000000")
    try demand(maxDifference > 0 && maxDifference.isFinite, "max_difference must be positive")
    try demand(limit > .zero && FunctionSettings.times.contains(limit), "limit must be above 0, up to 1 day")
  }
}

/// How a promoted snapshot is watched: the table `watch` of a function.
package struct WatchSettings: Sendable, Equatable, Codable {
  /// How long rewards are collected after a promotion, and kept from before; 0: no watch.
  package var window: Duration
  /// Least loss of reward, as a part of the reward before, that calls for a rollback.
  package var loss: Double
  /// Largest probability of such a loss by chance (one-sided, over all looks; `RewardComparison`).
  package var significance: Double
  /// The first wait after a rollback before the next try; it doubles with each, up to `backOffLimit`.
  package var backOff: Duration
  package var backOffLimit: Duration
  /// Which outcome of a sample is the reward, for functions that have none of their own; nil: no watch.
  package var outcome: Int?

  package init(
    window: Duration = .seconds(10), loss: Double = 0.05, significance: Double = 0.01,
    backOff: Duration = .seconds(30), backOffLimit: Duration = .seconds(3_600), outcome: Int? = nil
  ) {
    self.outcome = outcome
    self.window = window
    self.loss = loss
    self.significance = significance
    self.backOff = backOff
    self.backOffLimit = backOffLimit
  }

  func validate(of name: String) throws(AdaptationError) {
    func demand(_ holds: Bool, _ message: String) throws(AdaptationError) {
      try AdaptationError.demand(holds, "function \(name), watch: \(message)")
    }
    try demand(FunctionSettings.times.contains(window), "window must be 0 to 1 day")
    try demand((0...255).contains(outcome ?? 0), "outcome must be 0 to 255")
    try demand(loss >= 0 && loss <= 1, "loss must be 0 to 1")
    try demand(significance > 0 && significance < 0.5, "significance must be above 0 and below 0.5")
    try demand(FunctionSettings.times.contains(backOff), "back_off must be 0 to 1 day")
    try demand(
      backOffLimit >= backOff && FunctionSettings.times.contains(backOffLimit),
      "back_off_limit must be at least back_off, and up to 1 day")
  }
}
