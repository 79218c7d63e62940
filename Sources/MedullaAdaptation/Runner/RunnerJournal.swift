/// Who is told of what a runner does, on the collector's thread.
package struct RunnerJournal: Sendable {
  /// Writes a record down.
  package let record: @Sendable (LoopRecord) -> Void
  /// Puts by a candidate that lies in a slot now, with its version.
  package let keep: @Sendable (Candidate, UInt64) -> Void

  /// What was written down of the seconds between two times of the monotonic clock, also by an earlier
  /// process.
  package let batches: @Sendable (_ from: Duration, _ to: Duration) -> [BatchStatistics]

  /// Hears of the decisions that were sampled, in the order of their outcomes.
  package let decisions: @Sendable (Batch) -> Void

  package init(
    record: @escaping @Sendable (LoopRecord) -> Void,
    keep: @escaping @Sendable (Candidate, UInt64) -> Void = { _, _ in },
    batches: @escaping @Sendable (Duration, Duration) -> [BatchStatistics] = { _, _ in [] },
    decisions: @escaping @Sendable (Batch) -> Void = { _ in }
  ) {
    self.record = record
    self.keep = keep
    self.batches = batches
    self.decisions = decisions
  }
}
