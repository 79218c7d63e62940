import MedullaDatapath

/// What the slow path asks of a datapath function that runs in the kernel.
///
/// `drain` and `isAttachedAnew` are called by the thread that drains, and return soon. All else is called by
/// another, one at a time, and may take as long as loading does.
package protocol FastPath: AnyObject {
  /// The samples since the last call.
  func drain() throws -> Batch
  /// The live snapshot's own outputs, `[n][outputs]` in natural units, asked by test run from its slot.
  func query(_ inputs: [[Float]]) throws -> [[Float]]
  /// Writes a candidate's snapshot into a standby slot; its version.
  func stage(_ candidate: Candidate) throws -> UInt64
  /// Lets the staged snapshot infer beside the active one on every n-th decision; nil: no longer.
  func shadow(every: Int?) throws
  /// Makes the staged snapshot active.
  func promote() throws
  /// Gives the staged snapshot up.
  func discard() throws
  /// Makes active what was so before `expected`, and only when that is active now; what is active then.
  func rollback(from expected: UInt64) throws -> UInt64
  /// The last change of what is active; nil: nothing was active before.
  func lastChange() throws -> ActiveChange?
  /// The version of the active snapshot.
  func activeVersion() throws -> UInt64
  /// Whether the function was detached and attached anew since the last call: versions begin again.
  func isAttachedAnew() -> Bool
}

extension FastPath {
  package func isAttachedAnew() -> Bool { false }
}
