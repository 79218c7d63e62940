import MedullaAdaptation
import MedullaLearning
import MedullaModel

/// Learns congestion control by PPO in the simulator, on paths like the one that the live batches show.
///
/// The batches give estimates of the path. While it stays, training goes on until nothing improves for a
/// while, then rests; when it moves, exploration begins anew. What is handed down is the best policy so far
/// of this path by a trial on fixed scenarios of it, the start among them: learning that goes wrong is not
/// deployed.
package final class CongestionAdapter: Adapter {
  package let inputs: Int
  package let outputs: Int
  private let name: String
  private let seed: UInt64
  private var training: AuroraTraining
  private var gathering = SampleGathering()
  private var memory = PathMemory()
  private var trial: AuroraTrial?
  private var best: DenseNetwork
  private var bestReward = -Double.infinity
  private var network: Network
  private var reference: FloatReference
  private var lastReward: Double?
  private var changes: UInt64 = 0
  private var roundsSinceBest = 0

  static let decisions = 128
  static let trialEpisodes: UInt64 = 8
  /// Rounds without improvement after which training rests until the path changes.
  static let restAfter = 40
  /// The stability value is this minus the trial's reward, which is at most 0: so that the noise of a reward
  /// close to 0 does not look like movement.
  static let offset = 0.1
  /// An improvement of the trial's reward that is worth another policy.
  static let leastGain = 0.001

  /// - Parameters:
  ///   - network: what runs, features to an action and perhaps a verdict; any hidden layers of tanh or ReLU.
  /// - Throws: `unsupportedNetwork` when it is another kind of network, `badSettings`.
  package init(
    network: Network, settings: AdapterSettings.Simulator = .init()
  ) throws(AdaptationError) {
    try AdapterSettings.simulator(settings).validate(of: network.name)
    var options = AuroraTraining.Options()
    options.seed = settings.seed
    options.decisions = Self.decisions
    options.episodes = max(1, settings.steps / Self.decisions)
    // The rates do not fall: there is no last round.
    options.steps = 1 << 48
    options.logDeviation = Self.exploring
    options.criticRounds = 3
    // A path says little of rivals that are not there: the verdict stays as it was taught.
    options.optimizer.labelRate = 0
    options.optimizer.policyRate = 5e-4
    options.optimizer.minibatch = 512
    do {
      training = try AuroraTraining(options: options, start: network)
    } catch {
      throw AdaptationError(.unsupportedNetwork, error.message, remedy: error.remedy)
    }
    (inputs, outputs) = (training.policy.inputs, training.policy.outputs)
    name = network.name
    seed = settings.seed
    best = training.policy
    self.network = network
    reference = FloatReference(network)
  }

  /// The logarithm of the action's deviation while a path is new.
  static let exploring: Float = -1

  package func freeze() throws -> Network { network }

  package func evaluate(_ inputs: [[Float]]) throws -> [[Float]] { try inputs.map { try reference.run($0) } }

  package func adapt(_ batch: Batch) throws -> Progress {
    if let estimate = gathering.note(batch.samples), memory.note(estimate) { try change() }
    guard let trial, let scenarios = try memory.scenarios() else {
      return Progress(stability: Self.offset, figures: ["paths": 0])
    }
    let rests = roundsSinceBest >= Self.restAfter
    var use = 0.0
    if !rests {
      training.scenarios = scenarios
      use = try training.advance().use
      let result = try trial.run(training.policy)
      lastReward = result.reward
      roundsSinceBest += 1
      if result.reward > bestReward + Self.leastGain { try take(training.policy, result.reward) }
    }
    return progress(rests: rests, use: use)
  }

  /// A path that was not there before: fixed scenarios of it, by which the best policy is told, and freedom
  /// to try other actions.
  private func change() throws {
    guard let current = memory.current else { return }
    changes += 1
    let ranges = try AuroraScenarios(memory.places[current].estimate.ranges)
    let scenarios = (0..<Self.trialEpisodes).map { index in
      ranges.scenario(seed: seed &+ changes &* 1_000 &+ index, decisions: Self.decisions)
    }
    let trial = AuroraTrial(scenarios, decisions: Self.decisions)
    self.trial = trial
    bestReward = try trial.run(best).reward
    lastReward = bestReward
    roundsSinceBest = 0
    training.explore(logDeviation: Self.exploring)
  }

  private func take(_ policy: DenseNetwork, _ reward: Double) throws {
    network = try AuroraObservation.export(policy, name: name)
    reference = FloatReference(network)
    best = policy
    bestReward = reward
    roundsSinceBest = 0
  }

  private func progress(rests: Bool, use: Double) -> Progress {
    var figures: [String: Double] = [
      "paths": Double(memory.places.count), "changes": Double(changes), "resting": rests ? 1 : 0,
      "reward": lastReward ?? 0, "best_reward": bestReward, "decisions": Double(training.steps),
      "noise": Double(Float.exponential(training.optimizer.policy.logDeviation)),
    ]
    if !rests { figures["use"] = use }
    if let current = memory.current {
      let estimate = memory.places[current].estimate
      figures["rate_low"] = estimate.rate.lowerBound
      figures["rate_high"] = estimate.rate.upperBound
      figures["round_trip"] = estimate.roundTrip.lowerBound
      figures["queueing"] = estimate.queueing
      figures["loss"] = estimate.loss
      figures["flows"] = Double(estimate.flows)
    }
    // The best policy is what would be handed down, so it is what has to have settled.
    return Progress(stability: Self.offset - bestReward, figures: figures)
  }
}
