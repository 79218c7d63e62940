/// Open when the adapter's value has settled: its relative range over the last rounds is small
/// (LiteFlow §3.3, correctness).
package struct StabilityGate: Gate, Equatable {
  package let name = GateName.stability
  package let settings: GateSettings.Stability
  private var values: ArraySlice<Double> = []

  package init(_ settings: GateSettings.Stability) {
    self.settings = settings
  }

  package mutating func answer(_ question: GateQuestion, at now: Duration) -> GateDecision? {
    guard case .round(let value) = question else { return nil }
    return decide(value)
  }

  /// Forgets the window when the network was replaced.
  package mutating func hear(_ news: GateNews) {
    if news == .replaced { values = [] }
  }

  /// Takes in the value of a round. A value that is not finite shuts the gate and begins the window anew.
  package mutating func decide(_ value: Double) -> GateDecision {
    guard value.isFinite else {
      values = []
      return decision(nil, isOpen: false, "the adapter's value is \(value)")
    }
    values = (values + [value]).suffix(settings.window)
    guard values.count == settings.window, let low = values.min(), let high = values.max() else {
      return decision(nil, isOpen: false, "\(values.count) of \(settings.window) rounds are in the window")
    }
    let mean = values.reduce(0) { $0 + $1 / Double(values.count) }
    // Around 0 there is no relative range; the size of the values stands in for the mean.
    let size = max(abs(mean), (abs(low) + abs(high)) / 4)
    let range = (high - low) / max(size, .leastNormalMagnitude)
    let isOpen = range <= settings.range
    return decision(
      range, isOpen: isOpen, isOpen ? "the value has settled" : "the value still moves",
      ["low": low, "high": high, "mean": mean])
  }

  private func decision(
    _ value: Double?, isOpen: Bool, _ reason: String, _ figures: [String: Double] = [:]
  ) -> GateDecision {
    GateDecision(
      name, isOpen: isOpen,
      Evidence(
        value: value, threshold: settings.range, unit: .partOfMean, count: values.count, reason: reason,
        figures: figures))
  }
}
