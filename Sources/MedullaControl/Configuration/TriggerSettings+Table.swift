import MedullaAdaptation

extension TriggerSettings {
  /// Reads a function's `trigger`; without one every batch is learned from.
  init(_ table: inout TableReader) {
    let names = TriggerName.allCases.map { ($0.rawValue, $0) }
    let day = Duration.milliseconds(1)...(.seconds(86_400))
    let kind = table.word("kind", names) ?? .everyBatch
    switch kind {
    case .everyBatch: self.init(.everyBatch)
    case .schedule:
      if !table.has("every") { table.problem(nil, "needs the key every, such as every: 1h") }
      self.init(.schedule(every: table.duration("every", in: day) ?? .seconds(3_600)))
    case .drift:
      var drift = Drift()
      drift.threshold = table.number("threshold", in: 1e-9...100) ?? drift.threshold
      drift.window = table.integer("window", in: Self.windows) ?? drift.window
      self.init(.drift(drift))
    case .proxy:
      if !table.has("threshold") { table.problem(nil, "needs the key threshold, such as threshold: 0.9") }
      var proxy = Proxy(threshold: table.number("threshold", in: -1e12...1e12) ?? 0)
      proxy.hysteresis = table.number("hysteresis", in: 0...1e12) ?? 0
      proxy.isBadBelow = table.word("bad", [("below", true), ("above", false)]) ?? true
      self.init(.proxy(proxy))
    }
    if kind == .schedule || kind == .drift {
      rounds = table.integer("rounds", in: Self.roundRange) ?? rounds
    }
    // A kind that is wrong is reported; which keys it would have had nobody knows.
    if kind != .everyBatch || !table.has("kind") || table.probe("kind") == "every_batch" { table.finish() }
  }
}
