import MedullaDatapath
import MedullaLearning
import MedullaModel

/// The experiment `fig8`: snapshots taken along a training, and what each does on one emulated link.
public struct ConvergenceExperiment {
  public typealias Result = ExperimentResult<ConvergencePlan, ConvergenceRun, ConvergenceVerdict>

  static let method = """
    The network is trained from random weights in the simulator (PPO, the shipped network's own ranges of \
    paths). After each of the plan's rounds its policy becomes a snapshot, which is put into one attached \
    congestion control; one iperf3 flow then runs over a fresh emulated link. The reward is the mean over \
    that round's own episodes. Goodput and queue are those after the warm-up. The controller around the \
    network fills a clean link even with an untrained one: what training brings there is the shorter queue.
    """

  /// The network at one point of its training.
  struct Stage {
    var round: Int
    var steps: Int
    var reward: Double
    var network: Network
  }

  public let plan: ConvergencePlan
  private let executable: String

  public init(_ plan: ConvergencePlan, executable: String = LinkEmulator.ownExecutable) throws {
    try plan.validate()
    self.plan = plan
    self.executable = executable
  }

  /// Trains, then runs the snapshots; `narrate` hears of the training, `tell` of each run as it ends, with
  /// the result so far.
  public func run(
    narrate: (String) -> Void, tell: (_ done: Int, _ of: Int, ConvergenceRun, Result) throws -> Void
  ) throws -> Result {
    let (stages, calibration) = try train(narrate)
    let family = try SnapshotFamily(stages[stages.count - 1].network, samples: calibration)
    let snapshots = try stages.map { try family.datapath($0.network, name: "round \($0.round)") }
    let instance = try ExperimentInstance("fig8", snapshot: snapshots[0])
    defer { instance.detach() }
    var result = Result(
      "fig8", plan: plan, method: Self.method, verdict: ConvergenceVerdict([], complete: false))
    let total = stages.count * plan.repeats
    for repetition in 0..<plan.repeats {
      for (stage, snapshot) in zip(stages, snapshots) {
        try CongestionControl.update(name: instance.name, snapshot: snapshot)
        let run = try LinkRun.steadied {
          try LinkRun.measure(
            plan.cell, congestion: instance.congestion, seconds: plan.seconds, warmUp: plan.warmUp,
            seed: plan.seed &+ UInt64(repetition), executable: executable)
        }
        result.runs.append(
          ConvergenceRun(round: stage.round, steps: stage.steps, reward: stage.reward, run: run))
        let complete = plan.isComplete && result.runs.count == total
        result.verdict = ConvergenceVerdict(result.runs, complete: complete)
        try tell(result.runs.count, total, result.runs[result.runs.count - 1], result)
      }
    }
    return result
  }

  /// The stages in order, at least two, and observations of the trained policy for the quantizer.
  private func train(_ narrate: (String) -> Void) throws -> ([Stage], [[Float]]) {
    var options = AuroraTraining.Options()
    options.seed = plan.seed
    options.steps = plan.steps
    var training = try AuroraTraining(options: options)
    var stages: [Stage] = []
    while !training.isFinished {
      try Interruption.check()
      let network = try training.network()
      let steps = training.steps
      let progress = try training.advance()
      // The reward is of the network with which the round began.
      if plan.rounds.contains(progress.iteration) {
        stages.append(
          Stage(round: progress.iteration, steps: steps, reward: progress.reward, network: network))
      }
      if progress.iteration % 8 == 0 || training.isFinished {
        let part = min(100, Double(training.steps) / Double(plan.steps) * 100)
        narrate("training \(decimal(part, 0))%, reward \(decimal(progress.reward, 3))")
      }
      if training.isFinished {
        stages.append(
          Stage(
            round: progress.iteration + 1, steps: training.steps, reward: progress.reward,
            network: try training.network()))
      }
    }
    let drawn = try AuroraCalibration(policy: training.optimizer.policy, count: 4_096, seed: plan.seed)
    return (stages, drawn.samples)
  }
}
