import MedullaBase

/// What a stream's training came to so far.
package struct StreamTrainingReport: Hashable, Sendable {
  /// Batches trained on, and what came of their samples while they were.
  package var batches = 0
  package var outcome = BatchOutcome()
  /// Mean loss of the latest batch.
  package var lastLoss = 0.0
  /// Batches that came while all buffers were taken.
  package var refused = 0
  /// Batches that were none: pieces or labels did not fit.
  package var malformed = 0
  /// From the first batch's arrival to the end of the last step.
  package var elapsed = Duration.zero
  /// Of it, in steps.
  package var training = Duration.zero
  /// Of it, copying batches together, mostly while others were trained on.
  package var gathering = Duration.zero

  package init() {}

  package var imagesPerSecond: Double { rate(elapsed) }
  /// As if the stream were never waited for.
  package var imagesPerTrainingSecond: Double { rate(training) }

  private func rate(_ time: Duration) -> Double {
    time > .zero ? Double(outcome.samples) / time.inSeconds : 0
  }
}
