import MedullaLabels

/// What one labeling agent is at, for people and for `status`.
package struct AgentReport: Sendable, Equatable, Codable {
  package var name: String
  /// As the configuration calls it.
  package var kind: String
  /// Whether its votes count: `trusted`, `inverted`, `muted`.
  package var standing: AgentStanding
  /// How probable it is that it errs, by its overlaps with others; nil: not known yet.
  package var errorRate: Double?
  package var state: AgentState
  /// Since its journal began.
  package var calls: Int
  package var cost: Double
  /// What is left of the day's budget; nil: not limited.
  package var callsLeft: Double?
  package var costLeft: Double?

  enum CodingKeys: String, CodingKey {
    case name, kind, standing, state, calls, cost
    case errorRate = "error_rate"
    case callsLeft = "calls_left"
    case costLeft = "cost_left"
  }
}
