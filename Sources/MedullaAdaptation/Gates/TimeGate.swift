/// Open when the last update is long enough ago, and the watch could tell what the next one does.
package struct TimeGate: Gate {
  package let name = GateName.time

  package init() {}

  package mutating func answer(_ question: GateQuestion, at now: Duration) -> GateDecision? {
    guard case .update(let spacing, let hasBaseline) = question else { return nil }
    return Self.decide(spacing, at: now, hasBaseline: hasBaseline)
  }

  static func decide(_ spacing: UpdateSpacing, at now: Duration, hasBaseline: Bool = true) -> GateDecision {
    let wait = spacing.wait(at: now)
    let reason =
      wait > .zero
      ? "the last one was too short a time ago"
      : hasBaseline ? "an update may be tried" : "the watch has too few rewards yet to compare with"
    return GateDecision(
      .time, isOpen: wait == .zero && hasBaseline,
      Evidence(
        value: wait.seconds, threshold: 0, unit: .seconds, count: 1, reason: reason,
        figures: ["rollbacks_in_a_row": Double(spacing.rollbacks)]))
  }
}
