/// What an agent is at, for people and for `status`.
package struct AgentState: Sendable, Equatable, Codable {
  package enum Phase: String, Sendable, Codable, CaseIterable {
    /// Nothing is asked.
    case idle
    case asking
    /// Its call takes longer than its deadline.
    case overdue
    /// Its budget is spent for now, or spending cannot be written down.
    case waiting
    /// It failed, and is asked again after a while.
    case backingOff
    /// It was closed while a call had not come back.
    case left
    case closed
  }

  package var agent: String
  package var phase: Phase
  /// Seconds that the phase has lasted, or still lasts for one that waits.
  package var seconds: Double
  /// Why it waits; what its last failure said.
  package var reason: String
  /// Failures in a row.
  package var failures: Int
  package var queued: Int
  package var counts: AgentCounts

  /// One line for people.
  package var words: String {
    let time = "\((seconds * 10).rounded() / 10) s"
    return switch phase {
    case .idle: "idle"
    case .asking: "asked for \(time)"
    case .overdue: "does not answer: asked for \(time)"
    case .waiting: "waits \(time): \(reason)"
    case .backingOff: "failed \(failures) times, asked again in \(time): \(reason)"
    case .left: "did not answer until it was closed"
    case .closed: "closed"
    }
  }
}

/// What an agent did, since it was started.
package struct AgentCounts: Sendable, Equatable, Codable {
  /// Flows that it was asked about.
  package var asked = 0
  package var calls = 0
  /// Labels that name a class.
  package var labels = 0
  package var abstained = 0
  /// Labels that are none: no class, no confidence, another agent's name.
  package var malformed = 0
  package var failures = 0
  /// Calls that came back after their deadline.
  package var late = 0
  /// Flows that did not fit the queue.
  package var dropped = 0
  /// Flows that waited too long in it.
  package var expired = 0

  package init() {}
}
