import Foundation
import MedullaLearning
import MedullaModel

/// A network that is trained for one kind of path, for comparison.
public struct NarrowTraining: Codable, Equatable, Sendable {
  public var ranges: AuroraRanges
  /// Decisions of the whole training.
  public var steps: Int
  /// What a unit of loss in the buffer costs; the shipped network's reward has 0.5.
  public var lossWeight: Float
  public var seed: UInt64

  public init(_ ranges: AuroraRanges, steps: Int, lossWeight: Float = AuroraReward().loss, seed: UInt64 = 1) {
    self.ranges = ranges
    self.steps = steps
    self.lossWeight = lossWeight
    self.seed = seed
  }

  /// What training gave.
  public struct Outcome: Sendable {
    public var network: Network
    /// Mean reward of the first and of the last round.
    public var firstReward: Double
    public var lastReward: Double
    /// Observations of the policy over the whole range of paths, for the quantizer.
    public var calibration: [[Float]]
    public var seconds: Double
  }

  /// Trains from random weights.
  public func run() throws -> Outcome {
    var options = AuroraTraining.Options()
    options.seed = seed
    options.steps = steps
    options.reward.loss = lossWeight
    var training = try AuroraTraining(options: options, scenarios: AuroraScenarios(ranges))
    let begin = ContinuousClock.now
    var rewards: [Double] = []
    while !training.isFinished {
      try Interruption.check()
      rewards.append(try training.advance().reward)
    }
    let drawn = try AuroraCalibration(policy: training.optimizer.policy, count: 4_096, seed: seed)
    return Outcome(
      network: try training.network(), firstReward: rewards.first ?? 0, lastReward: rewards.last ?? 0,
      calibration: drawn.samples, seconds: (ContinuousClock.now - begin).inSeconds)
  }
}
