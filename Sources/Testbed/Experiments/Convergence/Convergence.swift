import MedullaDatapath
import MedullaLearning
import MedullaModel
import TestbedLink

/// Snapshots taken along a training, and what each does on one emulated link: the study `fig8`.
enum Convergence {
  private static let steps = Setting(
    "steps", 600_000, .atLeast, in: 1_000...100_000_000, "Decisions of the whole training.")
  static let rounds = Axis(
    "rounds", "training_round", [0, 1, 2, 4, 6, 8, 12, 16, 24, 32, 40, 48], in: 0...100_000,
    "Rounds of training after which a snapshot is taken; the last one's, -1, is taken too."
  ).titled { $0 == last ? "the last round" : "round \($0)" }
  /// The training's end, whatever its number.
  private static let last = -1

  static let reward = Metric("reward", "reward in the simulator")
  private static let decisions = Metric("decisions", "decisions of the training", places: 0)

  static func cells(_ plan: StudyPlan) -> [StudyCell] {
    (plan[rounds] + [last]).map { StudyCell().with(rounds, $0) }
  }

  /// The network at one point of its training.
  private struct Stage {
    var steps: Int
    var reward: Double
    var network: Network
  }

  /// The stages by their rounds, and observations of the trained policy for the quantizer.
  private static func train(
    _ plan: StudyPlan, _ narrate: (String) -> Void
  ) throws -> (stages: [Int: Stage], calibration: [[Float]]) {
    var options = AuroraTraining.Options()
    (options.seed, options.steps) = (plan.seed, plan[steps])
    var training = try AuroraTraining(options: options)
    var stages: [Int: Stage] = [:]
    while !training.isFinished {
      try Interruption.check()
      let (network, before) = (try training.network(), training.steps)
      let progress = try training.advance()
      // The reward is of the network with which the round began.
      if plan[rounds].contains(progress.iteration) {
        stages[progress.iteration] = Stage(steps: before, reward: progress.reward, network: network)
      }
      if progress.iteration % 8 == 0 || training.isFinished {
        let part = min(100, Double(training.steps) / Double(plan[steps]) * 100)
        narrate("training \(decimal(part, 0))%, reward \(decimal(progress.reward, 3))")
      }
      if training.isFinished {
        stages[last] = Stage(steps: training.steps, reward: progress.reward, network: try training.network())
      }
    }
    let drawn = try AuroraCalibration(policy: training.optimizer.policy, count: 4_096, seed: plan.seed)
    return (stages, drawn.samples)
  }

  private static func prepare(_ plan: StudyPlan, _ context: StudyContext) throws -> Study.Trial {
    let (stages, calibration) = try train(plan, context.narrate)
    guard let final = stages[last] else {
      throw TestbedError(.badParameter, "The training has no rounds.", remedy: "Use more steps.")
    }
    let family = try SnapshotFamily(final.network, samples: calibration)
    let snapshots = try stages.mapValues { try family.datapath($0.network, name: "after \($0.steps)") }
    let instance = try ExperimentInstance("fig8", snapshot: family.datapath(final.network, name: "last"))
    return { cell, round in
      // A short training has fewer rounds than were asked for.
      guard let stage = stages[cell[rounds]], let snapshot = snapshots[cell[rounds]] else { return Reading() }
      try instance.update(snapshot)
      var reading = try BulkTrial.measure(
        plan.cell, congestion: instance.congestion, seconds: plan.seconds, warmUp: plan.warmUp,
        seed: plan.seed(round: round), executable: context.executable)
      (reading[reward], reading[decisions]) = (stage.reward, Double(stage.steps))
      if let goodput = reading[FlowMetrics.goodput], let queue = reading[FlowMetrics.queue.mean] {
        reading[power] = goodput / (plan[Common.rttMs] + queue)
      }
      return reading
    }
  }

  /// In each round over the snapshot that is best over all rounds.
  private static let lastOverBest = Figure("last over best") { runs in
    guard let best = runs.means(FlowMetrics.goodput).max(by: { $0.value < $1.value })?.cell else {
      return nil
    }
    return runs.ratio(FlowMetrics.goodput, [rounds(last)], over: [rounds(best[rounds])])
  }

  /// Goodput over the time of a round trip with the queue (Kleinrock's power): what fills the link by filling
  /// the buffer has less of it.
  static let power = Metric("power", "goodput over round trip and queue", "Mbit/s/ms")
  private static let untrained = 0
  private static let powerGained = Figure.ratio(
    "goodput over delay, last over untrained", power, rounds(last), over: rounds(untrained))

  private static let gain = Figure("reward gained, of the first's distance to 0") { runs in
    guard let first = runs.means(reward).first?.value, first < 0, let end = runs.mean(reward, [rounds(last)])
    else { return nil }
    return Estimate((end - first) / -first)
  }

  static let fig8 = Study(
    "fig8", "Take snapshots along a training and see what each does.",
    discussion: """
      Trains the congestion network in the simulator and runs the snapshot of every few rounds in the \
      kernel, over an emulated link. Needs root; a quarter of an hour, --quick one.
      """,
    method: """
      The network is trained from random weights in the simulator (PPO, the shipped network's own ranges of \
      paths). After each of the plan's rounds its policy becomes a snapshot, which is put into one attached \
      congestion control; one iperf3 flow then runs over a fresh emulated link. The reward is the mean over \
      that round's own episodes. Goodput and queue are those after the warm-up. The controller around the \
      network fills a clean link even with an untrained one: what training brings there is the shorter \
      queue. So goodput over delay, the round trip and the mean wait, has to be more than the untrained \
      network's (round 0), by the 95% interval over repeats; goodput alone an untrained network has too.
      """,
    paper: PaperFigure(
      "Figure 8, §3.2",
      "Aurora's online adaptation needs about 800 iterations to explore; only then does a snapshot in "
        + "the datapath perform ideally."),
    keys: [
      steps, rounds, Common.rateMbps.with(24), Common.rttMs.with(30), Common.bufferBdp.with(2),
      Common.seconds,
      Common.warmUp.with(4), Common.repeats.with(5),
    ],
    quick: { plan in
      (plan[steps], plan[rounds]) = (200_000, [0, 2, 6, 12])
      (plan[Common.seconds], plan[Common.warmUp], plan[Common.repeats]) = (6, 2, 1)
    }, cells: cells, check: { try $0.cell.link(seed: 1).validate() }, course: .trials(.shuffled, prepare),
    metrics: [FlowMetrics.goodput, FlowMetrics.queue.mean, power, reward, decisions],
    figures: [lastOverBest, powerGained, gain, .least("worst goodput (Mbit/s)", FlowMetrics.goodput)],
    bounds: [
      Bound("last over best", .atLeast(0.95), .ours, by: .interval),
      Bound(powerGained.name, .atLeast(1.25), .ours, by: .interval), Bound(gain.name, .atLeast(0.5), .ours),
    ],
    plots: [
      .bars("Reward in the simulator", reward, mark: .dots),
      .bars(
        "Goodput of the snapshot on the emulated link", FlowMetrics.goodput,
        rules: { plan in
          [.init(.y, at: plan.cell.capacityMbps, "what the link carries")]
        }),
      .bars("Mean wait in the link's queue", FlowMetrics.queue.mean),
    ])
}
