/// Who is told of what a runner does, on the collector's thread.
package struct RunnerJournal: Sendable {
  /// Writes a record down.
  package let record: @Sendable (LoopRecord) -> Void
  /// Puts by a candidate that lies in a slot now, with its version.
  package let keep: @Sendable (Candidate, UInt64) -> Void

  package init(
    record: @escaping @Sendable (LoopRecord) -> Void,
    keep: @escaping @Sendable (Candidate, UInt64) -> Void = { _, _ in }
  ) {
    self.record = record
    self.keep = keep
  }
}
