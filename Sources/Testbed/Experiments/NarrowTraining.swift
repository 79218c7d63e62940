import MedullaBase
import MedullaLearning
import MedullaModel
import TestbedLink

/// A network that is trained for one kind of path, for comparison.
struct NarrowTraining {
  var ranges: AuroraRanges
  /// Decisions of the whole training.
  var steps: Int
  /// What a unit of loss in the buffer costs; the shipped network's reward has 0.5.
  var lossWeight = AuroraReward().loss
  var seed: UInt64 = 1

  /// What training gave.
  struct Outcome {
    var network: Network
    /// Mean reward of the first and of the last round.
    var firstReward: Double
    var lastReward: Double
    /// Observations of the policy over the whole range of paths, for the quantizer.
    var calibration: [[Float]]
    var seconds: Double
  }

  /// Trains from random weights.
  func run() throws -> Outcome {
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
