import CMedullaABI
import MedullaBase

/// One episode in the simulator: the policy steers, its steps are recorded.
struct AuroraEpisode {
  static let criticExtras = 11

  let scenario: AuroraScenario
  let reward: AuroraReward
  let configuration: mcc_config
  /// The verdicts that count are the truth, with spells of error, and not the policy's own: what it is taught
  /// by before it can judge.
  var isGuided = false

  struct Outcome: Sendable {
    var trajectories: [Trajectory] = []
    var rewardSum = 0.0
    var useSum = 0.0
    var queueSum = 0.0
    /// Verdicts on the right side of 0, of those with a label.
    var rightVerdicts = 0
    var labels = 0
    /// Logarithms of the share of the fair part beside rivals, and how many.
    var shareSum = 0.0
    var shareSteps = 0
    var steps = 0
    var packets: Int64 = 0
  }

  /// - Throws: `LearningError` when the scenario makes no sense.
  func run(policy: GaussianPolicy, critic: DenseNetwork, seed: UInt64) throws(LearningError) -> Outcome {
    let recorder = EpisodeRecorder(self, policy: policy, critic: critic, seed: seed)
    let simulator = try CongestionSimulator(scenario.link, configuration: configuration) {
      recorder.decide(flow: $0, features: $1)
    }
    recorder.simulator = simulator
    simulator.run(until: scenario.duration)
    recorder.simulator = nil
    var outcome = recorder.finish()
    outcome.packets = simulator.linkCounts.accepted
    return outcome
  }
}

/// Turns the decisions of an episode into trajectories; a step's reward is known at the flow's next decision.
private final class EpisodeRecorder {
  private struct Mark {
    var seconds = 0.0
    var delivered: Int64 = 0
    var own: Int64 = 0
    var hasRival = false
    var accepted: Int64 = 0
    var dropped: Int64 = 0
  }

  weak var simulator: CongestionSimulator?
  private let episode: AuroraEpisode
  private let policy: GaussianPolicy
  private var policyPass: NetworkPass
  private var criticPass: NetworkPass
  private var generator: SeededGenerator
  private var marks: [Mark?]
  private var previousActions: [Float]
  /// Of each flow: the mean queue in round trips, and whether it is misled now.
  private var fills: [Double]
  private var spells: [Bool]
  private var outcome = AuroraEpisode.Outcome()

  init(_ episode: AuroraEpisode, policy: GaussianPolicy, critic: DenseNetwork, seed: UInt64) {
    self.episode = episode
    self.policy = policy
    policyPass = NetworkPass(policy.mean)
    criticPass = NetworkPass(critic)
    generator = SeededGenerator(seed: seed)
    let flows = episode.scenario.link.flows.count
    marks = .init(repeating: nil, count: flows)
    previousActions = .init(repeating: 0, count: flows)
    fills = .init(repeating: 0, count: flows)
    spells = .init(repeating: false, count: flows)
    outcome.trajectories = .init(
      repeating: Trajectory(observationWidth: policy.mean.inputs, criticWidth: critic.inputs), count: flows)
  }

  func decide(flow: Int, features: UnsafePointer<Int64>) -> SteeringOutputs {
    guard let simulator else { return 0 }
    let link = simulator.linkCounts
    var delivered: Int64 = 0
    for index in 0..<marks.count { delivered += simulator.counts(of: index).delivered }
    let rivals = episode.scenario.rivalShare(in: simulator)
    let hasRival = rivals > AuroraScenario.rivalShare
    let mark = Mark(
      seconds: simulator.seconds, delivered: delivered, own: simulator.counts(of: flow).delivered,
      hasRival: hasRival,
      accepted: link.accepted, dropped: link.dropped)
    var change: Float = 0
    if let last = marks[flow] {
      change = outcome.trajectories[flow].actions.last.map { $0 - previousActions[flow] } ?? 0
      settle(flow, simulator, from: last, to: mark, change: change)
    } else {
      simulator.disturb(flow: flow, factor: episode.scenario.disturbances[flow])
    }
    previousActions[flow] = outcome.trajectories[flow].actions.last ?? 0
    marks[flow] = mark
    if outcome.trajectories[flow].actions.count > episode.scenario.decisions { simulator.stop() }

    let all = AuroraObservation.normalized(features)
    let observation = Array(all[..<policy.mean.inputs])
    let full = all + criticExtras(flow, simulator, hasRival)
    let mean = policyPass.forward(observation)
    let deviation = Float.exponential(policy.logDeviation)
    let action = mean + deviation * Float(generator.normal())
    outcome.trajectories[flow].observations += observation
    outcome.trajectories[flow].criticObservations += full
    outcome.trajectories[flow].actions.append(action)
    outcome.trajectories[flow].values.append(criticPass.forward(full))
    outcome.trajectories[flow].logProbabilities.append(
      GaussianPolicy.logProbability(action: action, mean: mean, logDeviation: policy.logDeviation))
    var said: Float?
    if policy.mean.outputs > 1 {
      let label = label(flow, simulator, share: rivals)
      outcome.trajectories[flow].labels.append(label)
      if label != 0 {
        outcome.labels += 1
        outcome.rightVerdicts += (policyPass.second > 0) == (label > 0) ? 1 : 0
      }
      said = episode.isGuided ? guide(flow, hasRival) : policyPass.second
    }
    return AuroraEvaluation.outputs(action * AuroraObservation.actionScale, said)
  }

  /// To miss a rival counts so much more than to see one that is not there: a look ends that belief.
  private static let missedRival: Float = 2

  /// Rivals who hold a part of what is in flight and of the queue are worth a verdict; few of them, or no
  /// queue, are worth none. Where the shadow's window is the flow's own, either verdict does the same.
  private func label(_ flow: Int, _ simulator: CongestionSimulator, share: Double) -> Float {
    let path = episode.scenario.link.flows[flow].roundTrip
    fills[flow] += (min(simulator.backlogSeconds / path, 4) - fills[flow]) / 16
    let counts = simulator.counts(of: flow)
    let ratio = counts.shadow / Double(max(counts.window, 1))
    let importance: Float = ratio > 0.8 && ratio < 1.2 ? 0.3 : 1
    if share <= 0.02 { return -importance }
    guard share > 0.15 else { return 0 }
    return fills[flow] > 0.12 ? importance * Self.missedRival : 0
  }

  /// The truth, or in spells its opposite.
  private func guide(_ flow: Int, _ hasRival: Bool) -> Float {
    if generator.chance(spells[flow] ? 0.05 : 0.01) { spells[flow].toggle() }
    return hasRival != spells[flow] ? 4 : -4
  }

  private func settle(
    _ flow: Int, _ simulator: CongestionSimulator, from last: Mark, to mark: Mark, change: Float
  ) {
    let scenario = episode.scenario
    let capacity = scenario.capacity(at: last.seconds)
    let elapsed = max(mark.seconds - last.seconds, 1e-6)
    let use = Double(mark.delivered - last.delivered) * 12000 / elapsed / capacity
    let path = scenario.link.flows[flow].roundTrip
    let active = scenario.active(at: last.seconds)
    let fair = capacity / Double(max(active, 1))
    let own = max(4 * 12000 / fair, 0.001)
    let measured = simulator.recentRTT(of: flow) ?? path
    let queue = max(0, measured - path - scenario.delay(at: last.seconds) - own / 2) / (path + own)
    let drops = Double(mark.dropped - last.dropped)
    let dropped = drops / max(1, drops + Double(mark.accepted - last.accepted))
    let change = change * AuroraObservation.actionScale
    let reward: Float
    if last.hasRival {
      let share = Double(mark.own - last.own) * 12000 / elapsed / max(fair, 1)
      reward = episode.reward(share: share, change: change)
      outcome.shareSum += Double(Float(max(share, 0.01)).logarithm)
      outcome.shareSteps += 1
    } else {
      reward = episode.reward(use: use, queue: queue, dropped: dropped, change: change)
    }
    outcome.trajectories[flow].rewards.append(reward)
    outcome.rewardSum += Double(reward)
    outcome.useSum += min(use, 1)
    outcome.queueSum += min(queue, 3)
    outcome.steps += 1
  }

  /// What the critic may know and the policy cannot: the path and the flow's share of it.
  private func criticExtras(
    _ flow: Int, _ simulator: CongestionSimulator, _ hasRival: Bool
  ) -> [Float] {
    let link = episode.scenario.link
    let capacity = episode.scenario.capacity(at: simulator.seconds)
    let path = link.flows[flow].roundTrip
    var total = 0.0
    let active = max(episode.scenario.active(at: simulator.seconds), 1)
    for index in 0..<marks.count where link.flows[index].start <= simulator.seconds {
      total += simulator.counts(of: index).rate
    }
    let own = simulator.counts(of: flow).rate
    let product = AuroraScenario.product(rate: capacity, roundTrip: path)
    func logarithm(_ value: Double) -> Float { Float(max(value, 1e-9)).logarithm }
    return [
      logarithm(capacity / 3e7) / 3, logarithm(path / 0.015) / 2,
      logarithm(Double(link.bufferBytes) / 1500 / product), Float(link.loss) * 30, Float(active) / 4,
      min(max(logarithm(own * Double(active) / capacity), -3), 3),
      min(max(logarithm(total / capacity), -3), 3) * 2,
      Float(min(simulator.backlogSeconds / path, 8)),
      hasRival ? 1 : 0,
      Float(min(episode.scenario.delay(at: simulator.seconds) / path, 8)),
      link.policer == nil ? 0 : 1,
    ]
  }

  /// The last step of each flow has no reward yet; its value stands for what would follow.
  func finish() -> AuroraEpisode.Outcome {
    for flow in outcome.trajectories.indices where !outcome.trajectories[flow].actions.isEmpty {
      outcome.trajectories[flow].dropPendingStep()
    }
    outcome.trajectories.removeAll { $0.count == 0 }
    return outcome
  }
}

extension Trajectory {
  /// Removes the step that was taken but not yet rewarded and keeps its value as the final one.
  mutating func dropPendingStep() {
    guard actions.count == rewards.count + 1, let value = values.popLast() else { return }
    finalValue = value
    actions.removeLast()
    logProbabilities.removeLast()
    if labels.count > rewards.count { labels.removeLast() }
    observations.removeLast(observationWidth)
    criticObservations.removeLast(criticWidth)
  }
}
