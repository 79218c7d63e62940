/// Open when the adapter's value has settled: its relative range over the last rounds is small
/// (LiteFlow §3.3, correctness).
public struct StabilityGate: Sendable, Equatable {
  public let settings: GateSettings.Stability
  private var values: [Double] = []

  public init(_ settings: GateSettings.Stability) {
    self.settings = settings
  }

  /// Takes in the value of a round. A value that is not finite shuts the gate and begins the window anew.
  public mutating func decide(_ value: Double) -> GateDecision {
    guard value.isFinite else {
      values = []
      return decision(nil, isOpen: false, "the adapter's value is \(value)")
    }
    values.append(value)
    if values.count > settings.window { values.removeFirst(values.count - settings.window) }
    guard values.count == settings.window, let low = values.min(), let high = values.max() else {
      return decision(nil, isOpen: false, "\(values.count) of \(settings.window) rounds are in the window")
    }
    let mean = values.reduce(0) { $0 + $1 / Double(values.count) }
    // Around 0 there is no relative range; the size of the values stands in for the mean.
    let size = max(abs(mean), (abs(low) + abs(high)) / 4)
    let range = high > low ? (high - low) / max(size, .leastNormalMagnitude) : 0
    let isOpen = range <= settings.range
    return decision(
      range, isOpen: isOpen, isOpen ? "the value has settled" : "the value still moves",
      ["low": low, "high": high, "mean": mean])
  }

  /// Forgets the window, as after the network was replaced.
  public mutating func reset() { values = [] }

  private func decision(
    _ value: Double?, isOpen: Bool, _ reason: String, _ figures: [String: Double] = [:]
  ) -> GateDecision {
    GateDecision(
      .stability, isOpen: isOpen, value: value, threshold: settings.range, reason: reason, figures: figures)
  }
}
