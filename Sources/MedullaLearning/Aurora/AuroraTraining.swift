import CMedullaABI
import Foundation
import MedullaBase
import MedullaModel

/// Trains the congestion policy by proximal policy optimization in the simulator.
///
/// A value: all that a run depends on is in it, so saving and resuming give the same result as one run.
package struct AuroraTraining: Sendable, Codable {
  package struct Options: Sendable, Codable, Equatable {
    package var seed: UInt64 = 1
    /// Decisions of the policy in the whole run.
    package var steps = 6_000_000
    package var episodes = 64
    package var decisions = 160
    package var optimizer = PolicyOptimizer.Options()
    package var reward = AuroraReward()
    /// The logarithm of the exploration's deviation at the start.
    package var logDeviation: Float = -0.5
    /// Rounds at the start in which only the critic learns; for a policy that is not to be spoilt by a critic
    /// that knows nothing yet.
    package var criticRounds = 0
    /// The learning rates fall with the decisions, down to this part of what the optimizer's options say.
    package var leastRate: Float = 0.05
    /// Gives a network of one output, which it starts from, a verdict beside it.
    package var addsVerdict = false
    /// The part of the run in which episodes are guided by the truth about rivals: all of them at its
    /// beginning, none at its end.
    package var guidance = 0.5

    package init() {}

    /// For a verdict beside a network whose actions stay as they are. Episodes are long enough for beliefs
    /// to end by looks.
    package static var verdict: Options {
      var options = Options()
      options.steps = 4_000_000
      options.decisions = 320
      options.addsVerdict = true
      options.optimizer.learnsActions = false
      options.optimizer.epochs = 4
      options.logDeviation = -3
      return options
    }
  }

  /// What one iteration gave, as means over its decisions.
  package struct Progress: Sendable, Codable, Equatable {
    package let iteration: Int
    package let steps: Int
    package let reward: Double
    package let use: Double
    package let queue: Double
    package let logDeviation: Float
    package let divergence: Float
    package let criticLoss: Float
    /// Share of verdicts on the right side.
    package let verdicts: Double
    /// Cross entropy of the verdicts in nats.
    package let verdictLoss: Float
    /// Geometric mean of the share of the fair part beside rivals; 0: there were none.
    package let share: Double
    package let packets: Int64
  }

  package let options: Options
  package private(set) var optimizer: PolicyOptimizer
  /// What the episodes are drawn from; may change between rounds.
  package var scenarios: AuroraScenarios
  /// The last rounds, oldest first.
  package private(set) var history: [Progress] = []
  package private(set) var steps = 0
  private var iterations = 0
  private var criticRounds: Int

  /// Rounds that `history` keeps at the most.
  static let historyLimit = 100_000

  package var isFinished: Bool { steps >= options.steps }
  package var policy: DenseNetwork { optimizer.policy.mean }

  /// A run over `scenarios`, from random weights or from a trained network.
  ///
  /// - Parameter start: 30 raw features to one action through dense layers with tanh or ReLU, the last one
  ///   linear, such as `network()` gives; nil: a network of random weights from all
  ///   features through two times 32 and 16 to action and verdict.
  /// - Throws: `LearningError` when an option makes no sense or `start` is another kind of network.
  package init(
    options: Options, scenarios: AuroraScenarios = .wide, start: Network? = nil
  ) throws(LearningError) {
    guard options.steps > 0, options.episodes > 0, options.decisions > 1, options.criticRounds >= 0 else {
      throw LearningError(.invalidOption, "steps, episodes and decisions must be positive")
    }
    self.options = options
    self.scenarios = scenarios
    criticRounds = options.criticRounds
    let policy: DenseNetwork
    if let start, options.addsVerdict {
      let steering = try AuroraObservation.policy(of: start)
      guard steering.outputs == 1 else {
        throw LearningError(.shapeMismatch, "network \(start.name) has a verdict already")
      }
      let judge = try DenseNetwork(
        widths: [AuroraObservation.features] + steering.widths.dropFirst(), activations: steering.activations,
        outputGain: 0.1, seed: options.seed &+ 1_000)
      policy = try .sideBySide([steering.widened(to: AuroraObservation.features), judge])
    } else if let start {
      policy = try AuroraObservation.policy(of: start)
    } else {
      // Who judges has layers of its own, so that neither disturbs what the other learns.
      policy = try .sideBySide(
        (0..<UInt64(AuroraObservation.outputs)).map { index throws(LearningError) in
          try DenseNetwork(
            widths: [AuroraObservation.features, 32, 16, 1], activations: [.tanh, .tanh, .identity],
            outputGain: 0.1, seed: options.seed &+ index &* 1_000)
        })
    }
    let critic = try DenseNetwork(
      widths: [AuroraObservation.features + AuroraEpisode.criticExtras, 64, 32, 1],
      activations: [.tanh, .tanh, .identity], seed: options.seed &+ 1)
    optimizer = PolicyOptimizer(
      policy: GaussianPolicy(mean: policy, logDeviation: options.logDeviation), critic: critic,
      options: options.optimizer,
      seed: options.seed)
  }

  /// The controller as it is trained: the defaults without the guard, which would hide a bad policy, and with
  /// beliefs in rivals at even odds.
  package static func configuration() -> mcc_config {
    var configuration = mcc_config()
    mcc_default_config(&configuration)
    configuration.guard_intervals = 0
    // At even odds both kinds of error are met. Afterwards beliefs begin earlier: a look ends a wrong one.
    configuration.rival_enter_q16 = 0
    configuration.rival_leave_q16 = -MCC_ONE / 2
    return configuration
  }

  /// Plays one round of episodes and improves the policy by them.
  /// - Throws: `LearningError` when the networks stop being finite.
  package mutating func advance() throws(LearningError) -> Progress {
    let iteration = iterations
    let current = optimizer
    let (options, scenarios) = (options, scenarios)
    let remaining = 1 - Float(steps) / Float(options.steps)
    let passed = Double(steps) / Double(options.steps)
    let guided = options.guidance > 0 ? max(0, 1 - passed / options.guidance) : 0
    optimizer.scaleRates(max(remaining, options.leastRate))
    let outcomes = inParallel(options.episodes) { index in
      let seed = SeededGenerator.derived(options.seed, iteration, index)
      let episode = AuroraEpisode(
        scenario: scenarios.scenario(seed: seed, decisions: options.decisions), reward: options.reward,
        configuration: Self.configuration(), isGuided: Double(index) < guided * Double(options.episodes))
      return Result { () throws(LearningError) in
        try episode.run(policy: current.policy, critic: current.critic, seed: seed &+ 1)
      }
    }
    var sums = AuroraEpisode.Outcome()
    for result in outcomes {
      let outcome = try result.get()
      sums.trajectories += outcome.trajectories
      sums.rewardSum += outcome.rewardSum
      sums.useSum += outcome.useSum
      sums.queueSum += outcome.queueSum
      sums.rightVerdicts += outcome.rightVerdicts
      sums.labels += outcome.labels
      sums.shareSum += outcome.shareSum
      sums.shareSteps += outcome.shareSteps
      sums.steps += outcome.steps
      sums.packets += outcome.packets
    }
    let report = optimizer.update(sums.trajectories, movesPolicy: criticRounds == 0)
    criticRounds = max(criticRounds - 1, 0)
    guard policy.parameters.allSatisfy(\.isFinite), optimizer.critic.parameters.allSatisfy(\.isFinite) else {
      throw LearningError(
        .diverged, "the networks are no longer finite after \(iteration) iterations",
        remedy: "use another seed or a smaller learning rate")
    }
    steps += max(sums.steps, 1)
    let count = Double(max(sums.steps, 1))
    let progress = Progress(
      iteration: iteration, steps: steps, reward: sums.rewardSum / count, use: sums.useSum / count,
      queue: sums.queueSum / count, logDeviation: optimizer.policy.logDeviation,
      divergence: report.divergence, criticLoss: report.criticLoss,
      verdicts: Double(sums.rightVerdicts) / Double(max(sums.labels, 1)), verdictLoss: report.labelLoss,
      share: sums.shareSteps > 0
        ? Double(Float.exponential(Float(sums.shareSum / Double(sums.shareSteps)))) : 0,
      packets: sums.packets)
    if history.count >= Self.historyLimit { history.removeFirst(Self.historyLimit / 2) }
    history.append(progress)
    iterations += 1
    return progress
  }

  /// Widens the exploration again, for paths that the policy has not met; it narrows as the policy learns.
  package mutating func explore(logDeviation: Float) {
    let bounds = optimizer.options.logDeviationRange
    let wanted = max(optimizer.policy.logDeviation, logDeviation)
    optimizer.policy.logDeviation = min(max(wanted, bounds.lowerBound), bounds.upperBound)
  }

  /// Trains until `decisions` more have been made, or the run is finished.
  package mutating func advance(decisions: Int) throws(LearningError) {
    let end = steps + decisions
    while steps < end, !isFinished { _ = try advance() }
  }

  /// The policy as it stands, from raw features to the action and, where it has one, the verdict.
  package func network() throws(ModelError) -> Network {
    try AuroraObservation.export(policy, name: name)
  }

  /// What a network of this kind is called.
  package var name: String { policy.outputs > 1 ? "congestion-medulla" : "aurora-medulla" }

  // MARK: Checkpoints

  /// - Throws: `LearningError` when the file cannot be written.
  package func save(to path: String) throws(LearningError) {
    do {
      try JSONEncoder().encode(self).write(to: URL(fileURLWithPath: path), options: .atomic)
    } catch {
      throw LearningError(.io, "\(path) cannot be written: \(error.localizedDescription)")
    }
  }

  /// - Throws: `LearningError` when the file cannot be read or is no checkpoint.
  package static func load(from path: String) throws(LearningError) -> AuroraTraining {
    let data: Data
    do { data = try Data(contentsOf: URL(fileURLWithPath: path)) } catch {
      throw LearningError(.io, "\(path) cannot be read: \(error.localizedDescription)")
    }
    guard let training = try? JSONDecoder().decode(AuroraTraining.self, from: data), training.isSound else {
      throw LearningError(
        .malformedCheckpoint, "\(path) is not a training checkpoint of this version",
        remedy: "start the run anew without --resume")
    }
    return training
  }

  private var isSound: Bool {
    options.steps > 0 && options.episodes > 0 && options.decisions > 1 && optimizer.isSound
      && scenarios.isSound && iterations >= 0 && criticRounds >= 0
      && AuroraObservation.fits(policy)
      && optimizer.critic.inputs == AuroraObservation.features + AuroraEpisode.criticExtras
  }
}

extension SeededGenerator {
  /// A seed for episode `index` of iteration `iteration`, unrelated to its neighbours'.
  static func derived(_ seed: UInt64, _ iteration: Int, _ index: Int) -> UInt64 {
    var generator = SeededGenerator(
      seed: seed &* 0x9E37_79B9_7F4A_7C15 &+ UInt64(bitPattern: Int64(iteration)) &* 1_000_003
        &+ UInt64(index))
    return generator.next()
  }
}
