/// Keeps a failure that comes again and again from filling the history.
struct FailureLog: Sendable {
  private var last: [LoopFailure.Step: (message: String, time: Duration)] = [:]

  /// The same failure is recorded once in so long.
  static let repeatInterval = Duration.seconds(10)

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
}
