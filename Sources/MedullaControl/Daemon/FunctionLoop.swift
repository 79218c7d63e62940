import MedullaAdaptation

/// One function's slow path as the daemon hosts it; `FunctionRunner` in earnest.
public protocol FunctionLoop: AnyObject, Sendable {
  func start()
  /// Ends the threads and waits for them; the fast path goes on.
  func stop()
  func snapshot() -> RunnerState
  /// False when the loop does not run, or has too many commands to come to.
  @discardableResult
  func command(_ command: RunnerCommand) -> Bool
}
