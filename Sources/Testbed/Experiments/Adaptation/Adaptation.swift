import MedullaBase
import MedullaCompile
import MedullaDatapath
import MedullaLearning
import MedullaModel
import MedullaSnapshot
import TestbedLink

/// A network that keeps learning against the same network frozen, while the link changes: the study `fig12`.
enum Adaptation {
  /// Who decides what network runs.
  enum Scheme: String, CaseIterable {
    /// For each condition the network that was trained for it, put in when the condition begins.
    case trained
    /// The start network for ever.
    case frozen
    /// The start network, and a daemon that replaces it.
    case adapting
  }

  /// Minutes for which the paper keeps a condition (§2.3, Figure 5).
  private static let paperMinutes = 20.0

  static let schemes = Axis(
    "schemes", "scheme", Scheme.allCases.map(\.rawValue), "Only these of trained, frozen and adapting.")
  static let interval = Setting("interval", 30, .atLeast, in: 4...3_600, "Seconds of one condition.")
  static let measuredSeconds = Setting(
    "measured_seconds", 10, .atLeast, in: 1...3_600, "The last part of each, whose goodput is compared.")
  static let count = Setting("conditions", 4, .atLeast, in: 1...4, "How many of the conditions.")
  static let startSteps = Setting(
    "start_steps", 300_000, .atLeast, in: 1_000...10_000_000, "Decisions of the start network's training.")
  static let trainedSteps = Setting(
    "trained_steps", 250_000, .atLeast, in: 1_000...10_000_000,
    "Decisions of the training of a network for each condition.")

  static let allConditions = [
    LinkCondition(name: "as trained", rateMbps: 40, bufferBdp: 0.2, background: .init(bitsPerSecond: 4e6)),
    LinkCondition(
      name: "lossy", rateMbps: 40, bufferBdp: 1, loss: 0.06, background: .init(bitsPerSecond: 4e6)),
    LinkCondition(
      name: "slow, bursts", rateMbps: 20, bufferBdp: 2, loss: 0.08,
      background: .init(bitsPerSecond: 6e6, on: 0.5, off: 0.5)),
    LinkCondition(
      name: "fast", rateMbps: 60, bufferBdp: 1, loss: 0.05, background: .init(bitsPerSecond: 15e6)),
  ]

  static func conditions(_ plan: StudyPlan) -> [LinkCondition] { Array(allConditions.prefix(plan[count])) }

  /// The measured part of an interval, in seconds of the run.
  static func measured(_ plan: StudyPlan, _ index: Int) -> ClosedRange<Double> {
    let end = Double((index + 1) * plan[interval])
    return (end - Double(min(plan[measuredSeconds], max(1, plan[interval] / 3))))...end
  }

  /// How much shorter a condition stays than in the paper.
  static func compression(_ plan: StudyPlan) -> Double { paperMinutes * 60 / Double(plan[interval]) }

  static func goodput(_ index: Int) -> Metric {
    Metric("goodput_mbps_\(index)", "\(allConditions[index].name): goodput", "Mbit/s", places: 2)
  }
  static func queue(_ index: Int) -> Metric {
    Metric("queue_ms_\(index)", "\(allConditions[index].name): mean queue", "ms", places: 1)
  }
  static let updates = Metric("updates", "snapshots put in", places: 1)
  static let timeSeries = "time_s"
  static let goodputSeries = "goodput_mbps"
  static let activationSeries = "activation_s"

  private static let slowPath: SlowPath.Settings = {
    var settings = SlowPath.Settings()
    // A flow that has collapsed sends too few packets in 100 ms to tell a loss rate by.
    settings.interval = "1s"
    settings.adapter = ["kind: simulator", "steps: 8192"]
    settings.gates = [
      "stability: { window: 2, range: 1.0 }", "necessity: { statistic: mean, alpha: 0.02 }",
      "accuracy: { max_error: 0.02 }", "update_interval: 1s",
    ]
    settings.watch = ["window: 1s", "loss: 0.2", "back_off: 2s"]
    return settings
  }()

  static func prepare(_ plan: StudyPlan, _ context: StudyContext) throws -> Study.Trial {
    let scratch = try ScratchDirectory("fig12")
    let executable = SlowPath.resolve(context.executable)
    context.narrate(
      "A condition stays \(plan[interval]) s; in the paper 20 minutes: compressed "
        + "\(decimal(compression(plan), 0)) times.")
    context.narrate("Training the start network, \(plan[startSteps]) decisions.")
    let start = try NarrowTraining(
      ranges: AuroraRanges(rate: 5e7...2e8, roundTrip: 0.03...0.1, buffer: 0.005...0.03),
      steps: plan[startSteps],
      lossWeight: 5
    ).run()
    let bundle = try compile(start, scratch, executable)
    let needsTrained = plan[schemes].contains(Scheme.trained.rawValue)
    let trained = needsTrained ? try trainForEach(plan, bundle.snapshot.shape, context.narrate) : []
    return { cell, round in
      guard let scheme = Scheme(rawValue: cell[schemes]) else { return Reading() }
      return try withExtendedLifetime(scratch) {
        let instance = try ExperimentInstance("ada", snapshot: DatapathSnapshot(bundle))
        defer { instance.detach() }
        try instance.loosen()
        let course = AdaptationCourse(
          plan: plan, instance: instance, trained: scheme == .trained ? trained : [], executable: executable)
        guard scheme == .adapting else { return try course.run(round) }
        let daemon = try SlowPath(
          name: instance.name, bundle: bundle.path, settings: slowPath, executable: executable,
          log: context.directory.map { "\($0)/fig12-daemon.log" })
        defer { daemon.stop() }
        try daemon.start()
        let reading = try course.run(round)
        try daemon.requireAlive()
        return reading
      }
    }
  }

  /// The start network as a bundle, which is what the daemon learns from.
  private static func compile(
    _ start: NarrowTraining.Outcome, _ scratch: ScratchDirectory, _ executable: String
  ) throws -> SnapshotBundle {
    let (model, samples) = (scratch.path("start.onnx"), scratch.path("start.npy"))
    let bundle = scratch.path("start.medulla")
    try ONNXWriter.write(start.network, to: model)
    try SampleFile.write(start.calibration, to: samples)
    try ChildProcess.run(
      [
        SiblingProgram.path("medulla", beside: executable), "compile", model, "--calibration", samples, "-o",
        bundle,
      ], within: .seconds(120))
    return try SnapshotBundle.open(bundle)
  }

  private static func trainForEach(
    _ plan: StudyPlan, _ shape: ProgramShape, _ narrate: (String) -> Void
  ) throws -> [DatapathSnapshot] {
    try conditions(plan).map { condition in
      narrate("Training a network for \(condition.label), \(plan[trainedSteps]) decisions.")
      let outcome = try NarrowTraining(ranges: condition.ranges, steps: plan[trainedSteps], seed: plan.seed)
        .run()
      narrate(
        "  reward \(decimal(outcome.firstReward, 3)) to \(decimal(outcome.lastReward, 3)), "
          + "\(decimal(outcome.seconds, 0)) s")
      let snapshot = try Quantizer(QuantizerOptions(matching: shape))
        .quantize(outcome.network, Calibration(samples: outcome.calibration))
      return try DatapathSnapshot(compiling: SnapshotFile(snapshot), name: condition.name)
    }
  }
}
