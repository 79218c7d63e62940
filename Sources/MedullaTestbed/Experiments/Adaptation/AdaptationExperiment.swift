import Foundation
import MedullaDatapath
import MedullaModel
import MedullaSnapshot

/// The experiment `fig12`: a network that keeps learning against the same network frozen, while the link
/// changes.
public struct AdaptationExperiment {
  public typealias Result = ExperimentResult<AdaptationPlan, AdaptationRun, AdaptationVerdict>

  static let method = """
    One TCP flow (iperf3) through an emulated link whose rate, buffer, random loss and UDP background change \
    at the end of every interval. The paper keeps a condition for 20 minutes; here an interval is shorter by \
    the stated factor. Flow consistency is off, so the one flow follows each new snapshot at its next ACK. \
    frozen: the start network, trained in the simulator for one kind of path only: tiny buffers without \
    random loss, with a reward that weighs loss ten times more than the default, so that it takes every loss \
    for congestion. adapting: the same start, and the daemon (medulla run) with the native adapter, which \
    trains in the simulator on paths like those that the live batches show. trained: for each condition a \
    network trained for it alone from random weights, put in when the condition begins. Goodput is what the \
    receiving program read in the last part of each interval; the verdict compares adapting with trained.
    """

  public let plan: AdaptationPlan
  private let executable: String
  private let log: String?

  /// - Parameter log: where the daemon's log goes; nil: nowhere.
  public init(_ plan: AdaptationPlan, log: String? = nil, executable: String = LinkEmulator.ownExecutable)
    throws
  {
    try plan.validate()
    self.plan = plan
    self.log = log
    self.executable = SlowPath.resolve(executable)
  }

  /// Trains, then runs the schemes; `narrate` hears of the training, `tell` of each run as it ends, with the
  /// result so far.
  public func run(
    narrate: (String) -> Void, tell: (_ done: Int, _ of: Int, AdaptationRun, Result) throws -> Void
  ) throws -> Result {
    let directory = FileManager.default.temporaryDirectory
      .appendingPathComponent("medulla-fig12-\(getpid())")
    try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: directory) }
    narrate("Training the start network, \(plan.start.steps) decisions.")
    let start = try plan.start.run()
    narrate("  reward \(decimal(start.firstReward, 3)) to \(decimal(start.lastReward, 3))")
    let bundle = try compile(start, in: directory)
    let trained =
      !plan.schemes.contains(.trained) ? [] : try trainForEach(start, shape: bundle.snapshot.shape, narrate)
    var result = Result(
      "fig12", plan: plan, method: Self.method, verdict: AdaptationVerdict([], complete: false))
    let total = plan.repeats * plan.schemes.count
    for repetition in 0..<plan.repeats {
      // What the others' recovery is compared with comes first.
      for scheme in [AdaptationScheme.trained, .frozen, .adapting] where plan.schemes.contains(scheme) {
        let run = try measure(scheme, repetition, bundle: bundle, trained: trained)
        result.runs.append(run)
        result.noteRecoveries()
        let complete = plan.isComplete && result.runs.count == total
        result.verdict = AdaptationVerdict(result.runs, complete: complete)
        try tell(result.runs.count, total, result.runs[result.runs.count - 1], result)
      }
    }
    return result
  }

  private func measure(
    _ scheme: AdaptationScheme, _ repetition: Int, bundle: SnapshotBundle, trained: [DatapathSnapshot]
  ) throws -> AdaptationRun {
    let instance = try ExperimentInstance("ada", snapshot: DatapathSnapshot(bundle))
    defer { instance.detach() }
    try CongestionControl.setConsistency(name: instance.name, false)
    let course = AdaptationCourse(plan: plan, instance: instance, trained: trained, executable: executable)
    guard scheme == .adapting else { return try course.run(scheme, repetition: repetition) }
    let slowPath = try SlowPath(
      name: instance.name, bundle: bundle.path, settings: plan.slowPath, executable: executable,
      log: log)
    defer { slowPath.end() }
    try slowPath.start()
    let run = try course.run(scheme, repetition: repetition)
    guard slowPath.identifier != nil else {
      throw TestbedError(
        .processFailed, "The daemon ended during the run: \(slowPath.lastWords).",
        remedy: "Run the configuration by hand with `medulla run`.")
    }
    return run
  }

  /// The start network as a bundle, which is what the daemon learns from.
  private func compile(_ start: NarrowTraining.Outcome, in directory: URL) throws -> SnapshotBundle {
    let model = directory.appendingPathComponent("start.onnx").path
    let samples = directory.appendingPathComponent("start.npy").path
    let bundle = directory.appendingPathComponent("start.medulla").path
    try ONNXWriter.write(start.network, to: model)
    try SampleFile.write(start.calibration, to: samples)
    try ChildProcess.run(
      [executable, "compile", model, "--calibration", samples, "-o", bundle], within: .seconds(120))
    return try SnapshotBundle.open(bundle)
  }

  private func trainForEach(
    _ start: NarrowTraining.Outcome, shape: ProgramShape, _ narrate: (String) -> Void
  ) throws -> [DatapathSnapshot] {
    try plan.conditions.map { condition in
      narrate("Training a network for \(condition.label), \(plan.oracleSteps) decisions.")
      let training = NarrowTraining(condition.ranges, steps: plan.oracleSteps, seed: plan.seed)
      let outcome = try training.run()
      narrate(
        "  reward \(decimal(outcome.firstReward, 3)) to \(decimal(outcome.lastReward, 3)), "
          + "\(decimal(outcome.seconds, 0)) s")
      let snapshot = try Quantizer(QuantizerOptions(matching: shape))
        .quantize(outcome.network, Calibration(samples: outcome.calibration))
      return try DatapathSnapshot(SnapshotFile(snapshot), name: condition.name)
    }
  }
}

extension ExperimentResult
where Plan == AdaptationPlan, Run == AdaptationRun, Verdict == AdaptationVerdict {
  /// Fills in when each run came back to 95% of what the trained network reached in the same repetition.
  mutating func noteRecoveries() {
    let plan = environment.plan
    for index in runs.indices {
      let trained = runs.first { $0.scheme == .trained && $0.repetition == runs[index].repetition }
      guard let trained else { continue }
      for interval in runs[index].intervals.indices where interval < trained.intervals.count {
        let span = Double(interval * plan.intervalSeconds)...Double((interval + 1) * plan.intervalSeconds)
        let level = trained.intervals[interval].goodputMbps * verdict.targets.adaptingOverTrained
        runs[index].intervals[interval].recoverySeconds = AdaptationRun.recovery(
          runs[index].goodput, in: span, level: level)
      }
    }
  }
}
