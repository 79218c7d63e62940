import MedullaDatapath

/// How well one decision did.
public struct RewardSample: Sendable, Equatable {
  public var version: UInt64
  public var flow: UInt64
  public var reward: Double
  /// When its outcome was complete, on the monotonic clock.
  public var time: Duration

  public init(version: UInt64, flow: UInt64, reward: Double, time: Duration) {
    self.time = time
    self.version = version
    self.flow = flow
    self.reward = reward
  }
}

/// A function's own measure of how well its decisions do, from samples of traffic.
public protocol RewardMeasure: Sendable {
  /// - Returns: one reward for each sample that has one, the larger the better.
  mutating func rewards(of samples: [FunctionSample]) -> [RewardSample]
}

/// One of a sample's outcomes is the reward.
public struct OutcomeReward: RewardMeasure {
  public let index: Int

  public init(index: Int) {
    self.index = index
  }

  public mutating func rewards(of samples: [FunctionSample]) -> [RewardSample] {
    samples.compactMap { sample in
      guard sample.outcomes.indices.contains(index) else { return nil }
      return RewardSample(
        version: sample.version, flow: sample.flow, reward: Double(sample.outcomes[index]),
        time: sample.time)
    }
  }
}

extension FunctionSample {
  var time: Duration { .nanoseconds(Int64(clamping: nanoseconds)) }
}
