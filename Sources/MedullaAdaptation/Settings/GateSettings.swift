/// What a tuned network must pass before it becomes a snapshot: the table `gates` of a function.
package struct GateSettings: Sendable, Equatable, Codable {
  /// The adapter's value has settled: LiteFlow §3.3, correctness.
  package struct Stability: Sendable, Equatable, Codable {
    /// Rounds that are looked at.
    package var window: Int
    /// Largest (max − min) / |mean| of the value over the window.
    package var range: Double

    package init(window: Int = 5, range: Double = 0.1) {
      self.window = window
      self.range = range
    }
  }

  /// The tuned network differs enough from the kernel's: LiteFlow §3.3, necessity.
  package struct Necessity: Sendable, Equatable, Codable {
    /// Of the fidelity losses of a batch.
    package enum Statistic: String, Sendable, Equatable, Codable, CaseIterable {
      /// As in the paper.
      case minimum
      case mean
      case p99
    }

    /// Which inputs the fidelity losses are of.
    package enum Inputs: String, Sendable, Equatable, Codable, CaseIterable {
      /// The batch that the adapter has just learned from, as in the paper; its newest 1,024.
      case batch
      /// 256 of the last 1,024, evenly chosen.
      case recent
    }

    package var statistic: Statistic
    package var over: Inputs
    /// Part of the output's range, O_max − O_min, that the statistic must exceed.
    package var alpha: Double
    /// Once the gate has been shut, the statistic must exceed (1 + hysteresis) · threshold to open it.
    package var hysteresis: Double
    /// Batches in a row that must exceed the threshold.
    package var confirmations: Int
    /// O_min and O_max of each output; nil: what the snapshot's accuracy report saw.
    package var outputs: [ClosedRange<Double>]?

    package init(
      statistic: Statistic = .minimum, over: Inputs = .batch, alpha: Double = 0.05, hysteresis: Double = 0,
      confirmations: Int = 1,
      outputs: [ClosedRange<Double>]? = nil
    ) {
      self.statistic = statistic
      self.over = over
      self.alpha = alpha
      self.hysteresis = hysteresis
      self.confirmations = confirmations
      self.outputs = outputs
    }
  }

  /// The candidate's integers are close to its floats.
  package struct Accuracy: Sendable, Equatable, Codable {
    /// Largest mean error as a part of the output's range.
    package var maxError: Double

    package init(maxError: Double = 0.01) {
      self.maxError = maxError
    }
  }

  package var stability: Stability
  package var necessity: Necessity
  package var accuracy: Accuracy
  /// Least time between updates.
  package var updateInterval: Duration

  package init(
    stability: Stability = Stability(), necessity: Necessity = Necessity(), accuracy: Accuracy = Accuracy(),
    updateInterval: Duration = .seconds(10)
  ) {
    self.stability = stability
    self.necessity = necessity
    self.accuracy = accuracy
    self.updateInterval = updateInterval
  }

  func validate(of name: String) throws(AdaptationError) {
    func demand(_ holds: Bool, _ message: String) throws(AdaptationError) {
      try AdaptationError.demand(holds, "function \(name), gates: \(message)")
    }
    try demand((1...10_000).contains(stability.window), "stability.window must be 1 to 10000")
    try demand(stability.range >= 0 && stability.range.isFinite, "stability.range must be 0 or more")
    try demand(necessity.alpha >= 0 && necessity.alpha <= 10, "necessity.alpha must be 0 to 10")
    try demand(
      necessity.hysteresis >= 0 && necessity.hysteresis <= 100, "necessity.hysteresis must be 0 to 100")
    try demand((1...1_000).contains(necessity.confirmations), "necessity.confirmations must be 1 to 1000")
    for range in necessity.outputs ?? [] {
      try demand(
        range.lowerBound.isFinite && range.upperBound.isFinite && range.upperBound > range.lowerBound,
        "necessity.outputs must be finite ranges that are not empty")
    }
    try demand(accuracy.maxError > 0 && accuracy.maxError <= 1, "accuracy.max_error must be above 0, up to 1")
    try demand(FunctionSettings.times.contains(updateInterval), "update_interval must be 0 to 1 day")
  }
}
