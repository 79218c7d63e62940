import MedullaBase

/// Tokens that come with time up to a capacity, and may be owed up to a limit. A value; the clock is outside.
///
/// It changes only by what is spent, so that the same spendings at the same times give the same level, bit
/// for bit: the journal rebuilds it so.
package struct TokenBucket: Sendable, Equatable {
  /// Tokens a second.
  package let rate: Double
  /// The most that is saved up; what a new bucket has.
  package let capacity: Double
  /// The most that may be owed by who may owe.
  package let debtLimit: Double
  /// As of the last spending; negative: owed.
  private var level: Double
  /// When something was spent last, since the Unix epoch; nil: never.
  private var time: Duration?

  package init(rate: Double, capacity: Double, debtLimit: Double = 0) {
    self.rate = rate
    self.capacity = capacity
    self.debtLimit = debtLimit
    level = capacity
  }

  /// What is there at `now`. A clock that was set back gives nothing.
  package func level(at now: Duration) -> Double {
    guard let time else { return level }
    return min(capacity, level + max(0, (now - time).inSeconds) * rate)
  }

  /// How many tokens may be spent at `now`.
  package func available(at now: Duration, mayOwe: Bool) -> Double {
    level(at: now) + (mayOwe ? debtLimit : 0)
  }

  /// Takes what was spent, allowed or not: what is true is noted.
  package mutating func spend(_ tokens: Double, at now: Duration) {
    level = level(at: now) - tokens
    time = now
  }

  /// The time until `tokens` may be spent; nil: never, they are more than it ever holds.
  package func wait(for tokens: Double, at now: Duration, mayOwe: Bool) -> Duration? {
    let lacking = tokens - available(at: now, mayOwe: mayOwe)
    guard lacking > 0 else { return .zero }
    guard tokens <= capacity + (mayOwe ? debtLimit : 0), rate > 0 else { return nil }
    return .seconds(min(lacking / rate, Self.longestWait))
  }

  /// Seconds of ten years: no wait is told longer, and a `Duration` takes it.
  private static let longestWait = 3.2e8
}

// What a rewritten journal keeps of it.
extension TokenBucket {
  package struct Level: Sendable, Equatable, Codable {
    package let level: Double
    /// Nanoseconds since the Unix epoch; nil: nothing was spent.
    package let nanoseconds: Int64?
  }

  package var kept: Level { Level(level: level, nanoseconds: time?.nanoseconds) }

  /// Takes a level that was kept, also by other settings: more than the capacity is cut off, a debt stays.
  package mutating func restore(_ kept: Level) {
    level = min(kept.level, capacity)
    time = kept.nanoseconds.map { .nanoseconds($0) }
  }
}
