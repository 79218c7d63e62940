import Foundation
import MedullaBase
import MedullaLearning
import MedullaModel
import TestbedLink

/// A network that is trained for one kind of path, for comparison.
package struct NarrowTraining: Codable, Equatable, Sendable {
  package var ranges: AuroraRanges
  /// Decisions of the whole training.
  package var steps: Int
  /// What a unit of loss in the buffer costs; the shipped network's reward has 0.5.
  package var lossWeight: Float
  package var seed: UInt64

  package init(_ ranges: AuroraRanges, steps: Int, lossWeight: Float = AuroraReward().loss, seed: UInt64 = 1)
  {
    self.ranges = ranges
    self.steps = steps
    self.lossWeight = lossWeight
    self.seed = seed
  }

  /// What training gave.
  package struct Outcome: Sendable {
    package var network: Network
    /// Mean reward of the first and of the last round.
    package var firstReward: Double
    package var lastReward: Double
    /// Observations of the policy over the whole range of paths, for the quantizer.
    package var calibration: [[Float]]
    package var seconds: Double
  }

  /// Trains from random weights.
  package func run() throws -> Outcome {
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
