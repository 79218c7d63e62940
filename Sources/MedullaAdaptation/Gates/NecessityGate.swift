/// Open when the tuned network differs enough from what the kernel runs (LiteFlow §3.3, necessity).
package struct NecessityGate: Gate, Equatable {
  package let name = GateName.necessity
  package let settings: GateSettings.Necessity
  private var wasShut = false
  private var confirmations = 0

  package init(_ settings: GateSettings.Necessity) {
    self.settings = settings
  }

  package mutating func answer(_ question: GateQuestion, at now: Duration) -> GateDecision? {
    guard case .fidelity(let losses) = question else { return nil }
    return decide(losses)
  }

  /// After an update the next one must exceed the threshold with its hysteresis.
  package mutating func hear(_ news: GateNews) {
    guard news == .promoted else { return }
    wasShut = true
    confirmations = 0
  }

  /// - Parameter losses: the fidelity loss of each sample as a part of the output's range
  ///   (`FidelityLoss.relative`).
  package mutating func decide(_ losses: [Double]) -> GateDecision {
    let threshold = settings.alpha * (wasShut ? 1 + settings.hysteresis : 1)
    guard !losses.isEmpty else {
      return GateDecision(
        name, isOpen: false,
        Evidence(
          value: nil, threshold: threshold, unit: .partOfOutputRange, count: 0,
          reason: "there were no samples"))
    }
    let sorted = losses.sorted()
    let mean = sorted.reduce(0) { $0 + $1 / Double(sorted.count) }
    // The nearest rank: the smallest that 99% are not above.
    let p99 = sorted[Int((Double(sorted.count) * 0.99).rounded(.up)) - 1]
    let value =
      switch settings.statistic {
      case .minimum: sorted[0]
      case .mean: mean
      case .p99: p99
      }
    let exceeds = value > threshold
    confirmations = exceeds ? confirmations + 1 : 0
    let isOpen = exceeds && confirmations >= settings.confirmations
    wasShut = !exceeds || (wasShut && !isOpen)
    let reason =
      isOpen
      ? "the tuned network differs from the kernel's"
      : exceeds
        ? "\(confirmations) of \(settings.confirmations) batches in a row have differed"
        : "the tuned network does as the kernel's does"
    return GateDecision(
      name, isOpen: isOpen,
      Evidence(
        value: value, threshold: threshold, unit: .partOfOutputRange, count: sorted.count, reason: reason,
        figures: [
          "samples": Double(sorted.count), "minimum": sorted[0], "mean": mean, "p99": p99,
          "maximum": sorted[sorted.count - 1],
        ]))
  }
}
