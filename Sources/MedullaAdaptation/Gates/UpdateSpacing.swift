/// When the next update may be tried: not before the least time since the last try, and after a rollback not
/// before a wait that doubles with each rollback in a row.
package struct UpdateSpacing: Sendable, Equatable {
  package let interval: Duration
  package let backOff: Duration
  package let backOffLimit: Duration
  /// Times of the caller's clock.
  private var notBefore: Duration?
  /// In a row.
  private(set) var rollbacks = 0

  package init(interval: Duration, backOff: Duration, backOffLimit: Duration) {
    self.interval = interval
    self.backOff = backOff
    self.backOffLimit = backOffLimit
  }

  /// How long until the next try.
  package func wait(at now: Duration) -> Duration {
    max(.zero, (notBefore ?? now) - now)
  }

  /// An update was made or given up.
  package mutating func noteTry(at now: Duration) {
    notBefore = max(notBefore ?? now, now + interval)
  }

  /// A promoted snapshot has passed its watch.
  package mutating func noteSuccess() { rollbacks = 0 }

  /// A promoted snapshot was rolled back; the wait that follows.
  package mutating func noteRollback(at now: Duration) -> Duration {
    var wait = backOff
    for _ in 0..<rollbacks where wait < backOffLimit { wait = min(wait * 2, backOffLimit) }
    rollbacks += 1
    wait = max(wait, interval)
    notBefore = now + wait
    return wait
  }
}
