/// How often and after what time an adapter's process is started again.
package struct RestartPolicy: Sendable, Equatable {
  /// Wait after the first failure; each further one in a row doubles it.
  package var first: Duration
  package var longest: Duration
  /// Failures in a row after which it is given up.
  package var limit: Int
  /// Answers after which the failures before no longer count as in a row.
  package var recovery: Int

  package init(
    first: Duration = .seconds(1), longest: Duration = .seconds(60), limit: Int = 8, recovery: Int = 10
  ) {
    self.first = first
    self.longest = longest
    self.limit = limit
    self.recovery = recovery
  }

  /// The wait after `failures` (at least 1) in a row.
  func wait(after failures: Int) -> Duration {
    var wait = first
    for _ in 1..<max(2, min(failures, 32)) where failures > 1 && wait < longest { wait *= 2 }
    return min(wait, longest)
  }
}
