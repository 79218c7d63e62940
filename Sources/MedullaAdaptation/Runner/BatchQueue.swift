/// The samples that wait for the adapter: one batch that grows by each drain, up to a limit. Beyond it the
/// oldest go, and are counted.
struct BatchQueue: Sendable {
  let limit: Int
  private(set) var waiting: Batch?
  private(set) var discarded: UInt64 = 0

  var count: Int { waiting?.samples.count ?? 0 }

  init(limit: Int = 32_768) {
    self.limit = max(limit, 1)
  }

  mutating func append(_ batch: Batch) {
    guard !batch.samples.isEmpty || waiting != nil else { return }
    var merged = waiting ?? Batch()
    // The only holder of its samples grows in place; a second one would copy them all at each drain.
    waiting = nil
    // Fraction bits change only with another program; then the old samples cannot stay beside the new.
    if merged.featureFractionBits != batch.featureFractionBits
      || merged.outputFractionBits != batch.outputFractionBits
    {
      discarded += UInt64(merged.samples.count)
      merged.samples = []
      merged.featureFractionBits = batch.featureFractionBits
      merged.outputFractionBits = batch.outputFractionBits
    }
    merged.samples += batch.samples
    merged.dropped += batch.dropped
    let excess = merged.samples.count - limit
    if excess > 0 {
      merged.samples.removeFirst(excess)
      discarded += UInt64(excess)
    }
    waiting = merged
  }

  /// All that waits.
  mutating func take() -> Batch? {
    defer { waiting = nil }
    return waiting
  }

  /// Takes samples back that nobody has learned from; they are older than those that wait.
  mutating func putBack(_ batch: Batch) {
    let newer = waiting
    waiting = batch
    if let newer { append(newer) }
  }

  /// Counts samples that were taken, and from which nothing was learned.
  mutating func noteLost(_ batch: Batch) { discarded += UInt64(batch.samples.count) }

  /// Gives what waits up, uncounted by `take`.
  mutating func discardAll() {
    discarded += UInt64(count)
    waiting = nil
  }
}
