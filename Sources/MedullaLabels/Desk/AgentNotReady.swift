/// An agent has not seen what it was asked, and may be asked the same again after a while: it is starting, or
/// its service wants to be left alone. No failure.
package struct AgentNotReady: Error, Sendable, Equatable, CustomStringConvertible {
  package let reason: String
  package let wait: Duration

  package init(_ reason: String, wait: Duration) {
    self.reason = reason
    self.wait = wait
  }

  package var description: String { reason }
}
