import MedullaAdaptation

/// One function's slow path as the daemon hosts it; `FunctionRunner` in earnest.
package protocol FunctionLoop: AnyObject, Sendable {
  func start()
  /// Ends the threads and waits for them; the fast path goes on.
  func stop()
  func snapshot() -> RunnerState
  /// Returns when the loop has heard it.
  @discardableResult
  func command(_ command: RunnerCommand) -> CommandAnswer
  /// What a person says of a decided flow; returns when the adapter has it.
  func give(_ label: GivenLabel) -> CommandAnswer
  /// A value from outside that tells how well the network still does. False when the loop does not run.
  @discardableResult
  func report(proxy: Double) -> Bool
}
