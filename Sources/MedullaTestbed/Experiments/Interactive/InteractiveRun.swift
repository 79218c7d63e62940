/// What one run of the experiment `interactive` gave.
public struct InteractiveRun: ExperimentRun, Equatable {
  public var scheme: SteeringScheme
  public var round: Int
  /// Times of answers before the other flows came, and beside them after the warm-up.
  public var aloneMs: Percentiles
  public var answerMs: Percentiles
  /// The latter as quantiles 0, 0.02, … 1.
  public var answerQuantilesMs: [Double]
  /// Answers that the latter are of.
  public var answers: Int
  /// Of all flows together, after the warm-up.
  public var bulkMbps: Double
  /// Bursts that began after the warm-up: their goodput, and how long after its last sent byte each was read.
  public var bursts: Int
  public var burstMbps: Percentiles
  public var burstTailMs: Percentiles
  /// Of the whole run.
  public var requests: RequestResponse.Counts
  public var onOff: OnOffFlows.Counts
  public var bulkRetransmits: Int
  public var queueMs: Percentiles
  public var dropped: Int
  public var fellBehind: Bool

  /// Requests and bursts that never came to their end.
  public var lost: Int {
    requests.broken + requests.unfinished + onOff.broken + onOff.unfinished + onOff.skipped
  }

  public var line: String {
    "\(scheme.description.padding(10)) \(answers) answers: p50 \(decimal(answerMs.p50, 1)) ms, "
      + "p95 \(decimal(answerMs.p95, 1)), p99 \(decimal(answerMs.p99, 1)) (alone p95 "
      + "\(decimal(aloneMs.p95, 1))); bulk \(decimal(bulkMbps, 1)) Mbit/s; \(bursts) bursts, "
      + "\(decimal(burstMbps.mean, 1)) Mbit/s, read \(decimal(burstTailMs.mean, 0)) ms after; queue "
      + "\(decimal(queueMs.mean, 1)) ms, \(dropped) dropped" + (lost > 0 ? ", \(lost) lost" : "")
      + (fellBehind ? ", emulator fell behind" : "")
  }
}
