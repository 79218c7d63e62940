/// How well one decision did.
package struct RewardSample: Sendable, Equatable {
  package var version: UInt64
  /// Which flow, path or host, as the measure's `unit` says.
  package var unit: UInt64
  package var reward: Double
  /// When its outcome was complete, on the monotonic clock.
  package var time: Duration

  package init(version: UInt64, unit: UInt64, reward: Double, time: Duration) {
    self.time = time
    self.version = version
    self.unit = unit
    self.reward = reward
  }
}

/// A function's own measure of how well its decisions do, from samples of traffic.
package protocol RewardMeasure: Sendable {
  /// What `RewardSample.unit` tells apart, and the watch counts as one piece of evidence.
  var unit: RandomizationUnit { get }

  /// - Returns: one reward for each sample that has one, the larger the better.
  mutating func rewards(of samples: [FunctionSample]) -> [RewardSample]
}

/// One of a sample's outcomes is the reward.
package struct OutcomeReward: RewardMeasure {
  package let index: Int
  package let unit = RandomizationUnit.flow

  package init(index: Int) {
    self.index = index
  }

  package mutating func rewards(of samples: [FunctionSample]) -> [RewardSample] {
    samples.compactMap { sample in
      guard sample.outcomes.indices.contains(index) else { return nil }
      return RewardSample(
        version: sample.version, unit: sample.flow, reward: Double(sample.outcomes[index]),
        time: sample.time)
    }
  }
}

extension FunctionSample {
  /// When its outcome was complete, on the monotonic clock.
  package var time: Duration { .nanoseconds(Int64(clamping: nanoseconds)) }
}
