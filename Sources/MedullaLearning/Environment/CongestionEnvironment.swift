import CMedullaABI

/// One flow's congestion control as an environment for reinforcement learning: an episode is a path, a step
/// one decision at the end of a monitor interval.
///
/// An episode calls its agent from inside the simulation, so it needs no thread; the agent may block.
package struct CongestionEnvironment: Sendable {
  /// What the agent sees after its last action.
  package struct Step: Sendable, Equatable {
    /// Aurora's features, those of the last ten intervals, in natural units, within `bounds`.
    package var observation: [Float]
    /// `AuroraReward` since the step before; 0 at the beginning.
    package var reward: Float
    /// The episode ends here for want of steps, not by the agent's doing.
    package var isLast: Bool
    package var figures: Figures
  }

  /// Measured since the step before.
  package struct Figures: Sendable, Equatable {
    /// Simulated seconds since the beginning.
    package var time = 0.0
    /// Of the agent's flow, bits of packets a second.
    package var throughput = 0.0
    /// Mean round-trip time in seconds.
    package var roundTrip = 0.0
    /// Share of the flow's packets that were lost.
    package var loss = 0.0
    /// Share of the capacity that all flows used; the capacity in bits a second.
    package var use = 0.0
    package var capacity = 0.0
    /// Queueing delay in units of the empty path's round trip.
    package var queue = 0.0
  }

  package enum Move: Sendable, Equatable {
    /// The network's output: the rate grows by `action` times the controller's step.
    case act(Float)
    case leave
  }

  /// Lowest and highest value of each feature.
  package static var bounds: [ClosedRange<Float>] {
    AuroraObservation.kinds[..<Int(MCC_RECENT)].map(\.range)
  }

  package let options: EnvironmentOptions
  package var reward = AuroraReward()

  package init(_ options: EnvironmentOptions) { self.options = options }

  /// Plays the episode of `seed`; `agent` is asked at every step, and no more after the last.
  /// - Throws: `LearningError` when the options give a path that makes no sense.
  package func play(seed: UInt64, agent: @escaping (Step) -> Move) throws(LearningError) {
    let scenario = options.scenario(seed: seed)
    let recorder = Recorder(scenario, options: options, reward: reward, agent: agent)
    let simulator = try CongestionSimulator(
      scenario.link, configuration: AuroraEvaluation.configuration()
    ) { recorder.decide(flow: $0, features: $1) }
    recorder.simulator = simulator
    simulator.run(until: scenario.duration)
    recorder.finish()
    recorder.simulator = nil
  }
}

private final class Recorder {
  private struct Mark {
    var seconds = 0.0
    var total: Int64 = 0
    var delivered: Int64 = 0
    var lost: Int64 = 0
    var accepted: Int64 = 0
    var dropped: Int64 = 0
    var rttSum = 0.0
    var rttSamples = 0.0
  }

  weak var simulator: CongestionSimulator?
  private let scenario: AuroraScenario
  private let options: EnvironmentOptions
  private let reward: AuroraReward
  private let agent: (CongestionEnvironment.Step) -> CongestionEnvironment.Move
  private var mark: Mark?
  private var observation = AuroraObservation.kinds[..<Int(MCC_RECENT)].map(\.center)
  private var steps = 0
  private var actions: (last: Float, before: Float) = (0, 0)
  private var isOver = false

  init(
    _ scenario: AuroraScenario, options: EnvironmentOptions, reward: AuroraReward,
    agent: @escaping (CongestionEnvironment.Step) -> CongestionEnvironment.Move
  ) {
    self.scenario = scenario
    self.options = options
    self.reward = reward
    self.agent = agent
  }

  func decide(flow: Int, features: UnsafePointer<Int64>) -> SteeringOutputs {
    guard flow == 0 else { return CompetingFlow.action(features) }
    guard let simulator, !isOver else { return 0 }
    observation = Array(AuroraObservation.clipped(features)[..<Int(MCC_RECENT)])
    if mark == nil { simulator.disturb(flow: 0, factor: scenario.disturbances[0]) }
    return ask(simulator, isLast: steps >= options.steps)
  }

  /// The simulated time is over before the steps are, as when a path carries next to nothing.
  func finish() {
    guard !isOver, let simulator else { return }
    if mark == nil { _ = ask(simulator, isLast: false) }
    if !isOver { _ = ask(simulator, isLast: true) }
  }

  private func ask(_ simulator: CongestionSimulator, isLast: Bool) -> SteeringOutputs {
    let now = measure(simulator)
    var step = CongestionEnvironment.Step(
      observation: observation, reward: 0, isLast: isLast, figures: .init())
    if let mark { settle(&step, from: mark, to: now) }
    step.figures.time = now.seconds
    step.figures.capacity = scenario.capacity(at: now.seconds)
    mark = now
    steps += 1
    guard case .act(let action) = agent(step), !isLast else {
      isOver = true
      simulator.stop()
      return 0
    }
    let bounded = action.isFinite ? min(max(action, -100), 100) : 0
    actions = (bounded, actions.last)
    return SteeringOutputs(action: Int64(bounded * 65536))
  }

  private func measure(_ simulator: CongestionSimulator) -> Mark {
    let link = simulator.linkCounts
    let own = simulator.counts(of: 0)
    var total: Int64 = 0
    for index in scenario.link.flows.indices { total += simulator.counts(of: index).delivered }
    return Mark(
      seconds: simulator.seconds, total: total, delivered: own.delivered, lost: own.lost,
      accepted: link.accepted, dropped: link.dropped, rttSum: own.rttSum, rttSamples: own.rttSamples)
  }

  /// The reward of training (`AuroraReward`), from what happened between two marks.
  private func settle(_ step: inout CongestionEnvironment.Step, from last: Mark, to now: Mark) {
    let capacity = max(scenario.capacity(at: last.seconds), 1)
    let elapsed = max(now.seconds - last.seconds, 1e-6)
    let path = scenario.link.flows[0].roundTrip
    let samples = now.rttSamples - last.rttSamples
    let roundTrip = samples > 0 ? (now.rttSum - last.rttSum) / samples : path
    // Bursts of the flow's own are no standing queue.
    let own = max(4 * 12000 * Double(scenario.link.flows.count) / capacity, 0.001)
    let delivered = Double(now.delivered - last.delivered)
    let lost = Double(now.lost - last.lost)
    let drops = Double(now.dropped - last.dropped)
    step.figures.use = Double(now.total - last.total) * 12000 / elapsed / capacity
    step.figures.queue = max(0, roundTrip - path - own / 2) / (path + own)
    step.figures.throughput = delivered * 12000 / elapsed
    step.figures.roundTrip = roundTrip
    step.figures.loss = lost / max(1, lost + delivered)
    step.reward = reward(
      use: step.figures.use, queue: step.figures.queue,
      dropped: drops / max(1, drops + Double(now.accepted - last.accepted)),
      change: actions.last - actions.before)
  }
}
