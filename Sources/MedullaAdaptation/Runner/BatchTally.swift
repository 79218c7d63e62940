import MedullaDatapath

/// Sums batches up to a record about once a second.
struct BatchTally: Sendable {
  private var begin: Duration?
  private var batches = 0
  private var samples = 0
  private var flows: Set<UInt64> = []
  private var dropped: UInt64 = 0
  private var rewardSum = 0.0
  private var rewards = 0
  private var discardedBefore: UInt64 = 0

  static let flowLimit = 65_536
  static let interval = Duration.seconds(1)

  mutating func add(_ batch: Batch, rewards: [RewardSample]) {
    batches += 1
    samples += batch.samples.count
    dropped += batch.dropped
    for sample in batch.samples where flows.count < Self.flowLimit { flows.insert(sample.flow) }
    for sample in rewards { rewardSum += sample.reward }
    self.rewards += rewards.count
  }

  /// The record, when a second is over.
  mutating func finish(at now: Duration, discarded: UInt64) -> BatchStatistics? {
    guard let begin else {
      self.begin = now
      return nil
    }
    guard now >= begin + Self.interval else { return nil }
    let record = BatchStatistics(
      seconds: (now - begin).seconds, batches: batches, samples: samples, flows: flows.count,
      dropped: dropped, discarded: discarded - discardedBefore,
      rewardMean: rewards > 0 ? rewardSum / Double(rewards) : nil)
    self = BatchTally()
    self.begin = now
    discardedBefore = discarded
    return record
  }
}
