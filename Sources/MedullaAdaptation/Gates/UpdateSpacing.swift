/// When the next update may be tried: not before the least time since the last try, and after a rollback not
/// before a wait that doubles with each rollback in a row.
public struct UpdateSpacing: Sendable, Equatable {
  public let interval: Duration
  public let backOff: Duration
  public let backOffLimit: Duration
  /// Times of the caller's clock.
  private var notBefore: Duration?
  private var rollbacks = 0

  public init(interval: Duration, backOff: Duration, backOffLimit: Duration) {
    self.interval = interval
    self.backOff = backOff
    self.backOffLimit = backOffLimit
  }

  /// - Parameter hasBaseline: whether the watch knows rewards that it could hold a new snapshot against.
  public func decide(at now: Duration, hasBaseline: Bool = true) -> GateDecision {
    let wait = self.wait(at: now)
    let reason =
      wait > .zero
      ? "the last one was too short a time ago"
      : hasBaseline ? "an update may be tried" : "the watch has too few rewards yet to compare with"
    return GateDecision(
      .time, isOpen: wait == .zero && hasBaseline, value: wait.seconds, threshold: 0, reason: reason,
      figures: ["rollbacks_in_a_row": Double(rollbacks)])
  }

  /// How long until the next try.
  public func wait(at now: Duration) -> Duration {
    max(.zero, (notBefore ?? now) - now)
  }

  /// An update was made or given up.
  public mutating func noteTry(at now: Duration) {
    notBefore = max(notBefore ?? now, now + interval)
  }

  /// A promoted snapshot has passed its watch.
  public mutating func noteSuccess() { rollbacks = 0 }

  /// A promoted snapshot was rolled back; the wait that follows.
  public mutating func noteRollback(at now: Duration) -> Duration {
    var wait = backOff
    for _ in 0..<rollbacks where wait < backOffLimit { wait = min(wait * 2, backOffLimit) }
    rollbacks += 1
    wait = max(wait, interval)
    notBefore = now + wait
    return wait
  }
}
