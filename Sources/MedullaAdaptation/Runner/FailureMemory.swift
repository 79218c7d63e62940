/// Keeps a failure that comes again and again from filling the history, and an adapter that fails from being
/// asked without pause.
struct FailureMemory: Sendable {
  private var last: [LoopFailure.Step: (message: String, time: Duration)] = [:]
  private var streak = 0
  private var notBefore: Duration = .zero

  /// The same failure is recorded once in so long.
  static let repeatInterval = Duration.seconds(10)
  static let firstWait = Duration.seconds(1)
  static let longestWait = Duration.seconds(60)

  /// Whether the failure is to be recorded.
  mutating func isNews(_ failure: LoopFailure, at now: Duration) -> Bool {
    if let before = last[failure.step], before.message == failure.message,
      now < before.time + Self.repeatInterval
    {
      return false
    }
    last[failure.step] = (failure.message, now)
    return true
  }

  mutating func noteAdapterFailure(at now: Duration) {
    var wait = Self.firstWait
    for _ in 0..<min(streak, 16) { wait = min(wait * 2, Self.longestWait) }
    streak += 1
    notBefore = now + wait
  }

  /// The adapter keeps its own times of waiting; here it only is not asked without pause.
  mutating func noteAdapterWaiting(at now: Duration) { notBefore = max(notBefore, now + Self.firstWait) }

  mutating func noteAdapterSuccess() { streak = 0 }

  func allowsAdapting(at now: Duration) -> Bool { now >= notBefore }
}
