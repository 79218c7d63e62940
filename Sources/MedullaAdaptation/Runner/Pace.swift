/// Lets something happen at most once in an interval.
struct Pace: Sendable, Equatable {
  let interval: Duration
  private var last: Duration?

  init(_ interval: Duration) {
    self.interval = interval
  }

  /// Whether it may happen now; then it has.
  mutating func isDue(at now: Duration) -> Bool {
    if let last, now < last + interval { return false }
    last = now
    return true
  }

  /// It may happen again at once.
  mutating func reset() { last = nil }
}

/// The times of draining, by the absolute clock: a late drain does not move the ones after it, and ones that
/// were missed are left out.
struct DrainSchedule: Sendable, Equatable {
  let interval: Duration
  private(set) var next: Duration

  init(interval: Duration, start: Duration) {
    self.interval = interval
    next = start
  }

  /// The drain that was due is done, and it is now so late.
  mutating func advance(at now: Duration) {
    let missed = max(0, Int((now - next) / interval))
    next += interval * (missed + 1)
  }
}
