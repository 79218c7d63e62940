/// When the adapter learns: `trigger` of a function.
package struct TriggerSettings: Sendable, Equatable, Codable {
  package enum Kind: Sendable, Equatable, Codable {
    case everyBatch
    /// Once in so long.
    case schedule(every: Duration)
    /// When live inputs have moved.
    case drift(Drift)
    /// When a value from outside is bad.
    case proxy(Proxy)
  }

  package struct Drift: Sendable, Equatable, Codable {
    /// Population stability index of a feature beyond which its values have moved. 0.25 is where scorecards
    /// are held to have shifted (Siddiqi, "Credit Risk Scorecards", 2006).
    package var threshold: Double
    /// Inputs that are compared at a time.
    package var window: Int

    package init(threshold: Double = 0.25, window: Int = 1_000) {
      self.threshold = threshold
      self.window = window
    }
  }

  package struct Proxy: Sendable, Equatable, Codable {
    package var threshold: Double
    /// How far beyond the threshold, on the good side, the value must be until learning ends.
    package var hysteresis: Double
    /// Whether small values are the bad ones, as of an accuracy; else large ones, as of a loss.
    package var isBadBelow: Bool

    package init(threshold: Double, hysteresis: Double = 0, isBadBelow: Bool = true) {
      self.threshold = threshold
      self.hysteresis = hysteresis
      self.isBadBelow = isBadBelow
    }
  }

  package var kind: Kind
  /// Rounds of learning that a schedule or a drift calls for. One round is seldom enough for the adapter's
  /// value to settle again.
  package var rounds: Int

  package init(_ kind: Kind = .everyBatch, rounds: Int = 50) {
    self.kind = kind
    self.rounds = rounds
  }

  package var trigger: any Trigger {
    switch kind {
    case .everyBatch: EveryBatchTrigger()
    case .schedule(let every): ScheduleTrigger(every: every, rounds: rounds)
    case .drift(let drift): DriftTrigger(drift, rounds: rounds)
    case .proxy(let proxy): ProxyTrigger(proxy)
    }
  }

  /// By chance alone the index is about 18 / window: with fewer inputs it would say little.
  package static let windows = 500...100_000
  package static let roundRange = 1...1_000_000

  func validate(of name: String) throws(AdaptationError) {
    func demand(_ holds: Bool, _ message: String) throws(AdaptationError) {
      try AdaptationError.demand(holds, "function \(name), trigger: \(message)")
    }
    try demand(Self.roundRange.contains(rounds), "rounds must be 1 to 1000000")
    switch kind {
    case .everyBatch: break
    case .schedule(let every):
      try demand(
        every > .zero && FunctionSettings.times.contains(every), "every must be above 0, up to 1 day")
    case .drift(let drift):
      try demand(drift.threshold > 0 && drift.threshold <= 100, "threshold must be above 0, up to 100")
      try demand(Self.windows.contains(drift.window), "window must be 500 to 100000")
    case .proxy(let proxy):
      try demand(proxy.threshold.isFinite, "threshold must be finite")
      try demand(proxy.hysteresis >= 0 && proxy.hysteresis.isFinite, "hysteresis must be 0 or more")
    }
  }
}
