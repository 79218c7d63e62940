/// Keeps an agent that fails from being asked without pause. A value.
package struct AgentBackOff: Sendable, Equatable {
  /// After the first failure; each further one in a row doubles it.
  package let first: Duration
  package let longest: Duration
  /// Failures in a row.
  package private(set) var failures = 0
  /// Since any origin that does not move.
  package private(set) var until: Duration = .zero

  package init(first: Duration = .seconds(1), longest: Duration = .seconds(60)) {
    self.first = first
    self.longest = longest
  }

  package mutating func fail(at now: Duration) {
    var wait = first
    for _ in 0..<min(failures, 32) where wait < longest { wait *= 2 }
    failures += 1
    until = now + min(wait, longest)
  }

  package mutating func succeed() { failures = 0 }

  package func left(at now: Duration) -> Duration { max(.zero, until - now) }
}
