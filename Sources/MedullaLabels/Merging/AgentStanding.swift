/// Whether an agent's votes count.
package enum AgentStanding: String, Sendable, Codable {
  /// It tells classes apart, or nothing else is known.
  case trusted
  /// It says the opposite so reliably that this informs: its votes count with negative log-odds.
  case inverted
  /// It is worth nothing or hostile: its votes do not count until it has been better for long enough.
  case muted

  package var counts: Bool { self != .muted }
}

/// When an agent is muted, and when it is heard again. A pure function of what is known of its errors.
package struct Muting: Sendable, Equatable, Codable {
  /// Votes that are needed before an agent is judged.
  package var leastVotes = 60.0
  /// It is muted when its informedness is surely below …
  package var mutedBelow = 0.15
  /// … and heard again when it is surely above.
  package var heardAbove = 0.3
  /// It counts as inverted when its informedness is surely below minus this.
  package var invertedBelow = 0.3
  /// Whether one that inverts informs; else it is muted too.
  package var usesInverted = true

  package init() {}

  package func standing(
    of agent: Int, _ errors: AgentErrors, before: AgentStanding
  ) -> AgentStanding {
    guard errors.votes[agent] >= leastVotes else { return before }
    let value = errors.informedness(of: agent)
    let margin = errors.informednessMargin(of: agent)
    if value + margin < -invertedBelow { return usesInverted ? .inverted : .muted }
    if value + margin < mutedBelow { return .muted }
    if value - margin > heardAbove { return .trusted }
    // Between the two it stays what it was; what was inverted and no longer surely is says nothing.
    return before == .inverted ? .muted : before
  }
}
