/// Keeps an adapter that fails from being asked without pause.
struct AdapterBackOff: Sendable {
  private var streak = 0
  private var notBefore: Duration = .zero

  static let firstWait = Duration.seconds(1)
  static let longestWait = Duration.seconds(60)

  mutating func noteFailure(at now: Duration) {
    var wait = Self.firstWait
    for _ in 0..<min(streak, 16) { wait = min(wait * 2, Self.longestWait) }
    streak += 1
    notBefore = now + wait
  }

  /// The adapter keeps its own times of waiting; here it only is not asked without pause.
  mutating func noteWaiting(at now: Duration) { notBefore = max(notBefore, now + Self.firstWait) }

  mutating func noteSuccess() { streak = 0 }

  func allows(at now: Duration) -> Bool { now >= notBefore }
}
