import ArgumentParser
import Foundation
import MedullaBase
import MedullaLearning
import MedullaModel

/// `medulla train`: networks of our own.
struct TrainCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "train",
    abstract: "Train a network.",
    subcommands: [TrainAuroraCommand.self, TrainEvaluateCommand.self, TrainDelayRuleCommand.self])
}

/// `medulla train aurora`: the congestion policy, by proximal policy optimization in the simulator.
struct TrainAuroraCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "aurora",
    abstract: "Train the congestion-control network in the simulator.",
    discussion: """
      The same seed and options give the same network. Progress goes to standard error.

        medulla train aurora --seed 1 --out aurora.onnx --curve aurora.svg --calibration aurora.npy

      With --beside the network is FILE's with a second output, the verdict on rivals: its actions stay as \
      they are, and only the verdict is learned.

        medulla train aurora --beside aurora.onnx --out judging.onnx
      """)

  @Option(help: "Seed of the networks, the paths and the noise.")
  var seed: UInt64 = 1
  @Option(help: ArgumentHelp("Write the trained network to this ONNX file.", valueName: "file"))
  var out: String
  @Option(help: ArgumentHelp("Decisions of the policy in the whole run.", valueName: "n"))
  var steps = AuroraTraining.Options().steps
  @Option(help: ArgumentHelp("Teach a verdict beside this network (ONNX).", valueName: "file"))
  var beside: String?
  @Option(help: ArgumentHelp("Draw the learning curve to this SVG file.", valueName: "file"))
  var curve: String?
  @Option(
    help: ArgumentHelp(
      "Write observations for `medulla compile --calibration` to this .npy or .csv file.", valueName: "file"))
  var calibration: String?
  @Option(help: ArgumentHelp("Observations in the calibration file.", valueName: "n"))
  var observations = 4096
  @Option(help: ArgumentHelp("Keep the state of the run in this file.", valueName: "file"))
  var checkpoint: String?
  @Flag(help: "Go on from the checkpoint; its seed and options hold.")
  var resume = false

  func validate() throws {
    if resume, beside != nil { throw ValidationError("--resume goes on with the network it began with.") }
    if resume, checkpoint == nil { throw ValidationError("--resume needs --checkpoint FILE.") }
    if steps < 1 { throw ValidationError("--steps must be positive.") }
    if !(1...1_000_000).contains(observations) {
      throw ValidationError("--observations must be 1 to 1000000.")
    }
  }

  func run() throws {
    var training = try start()
    let begin = ContinuousClock.now
    while !training.isFinished {
      let progress = try training.advance()
      if progress.iteration % 10 == 0 || training.isFinished {
        narrate(progress, of: training.options.steps, since: begin)
        if let checkpoint { try training.save(to: checkpoint) }
      }
    }
    try ONNXWriter.write(try training.network(), to: out)
    if let curve {
      let svg = LearningCurve(training.history, name: training.name, seed: training.options.seed).svg
      try Data(svg.utf8).write(to: URL(fileURLWithPath: curve))
    }
    if let calibration {
      let drawn = try AuroraCalibration(
        policy: training.optimizer.policy, count: observations, seed: training.options.seed)
      try SampleFile.write(drawn.samples, to: calibration)
    }
    print(out)
  }

  private func start() throws -> AuroraTraining {
    if resume, let checkpoint { return try AuroraTraining.load(from: checkpoint) }
    var options = beside == nil ? AuroraTraining.Options() : .verdict
    options.seed = seed
    options.steps = steps
    return try AuroraTraining(
      options: options, scenarios: beside == nil ? .wide : .contested,
      start: try beside.map { try ONNXReader.read(contentsOf: $0) })
  }

  private func narrate(_ progress: AuroraTraining.Progress, of steps: Int, since: ContinuousClock.Instant) {
    let line = String(
      format: "%5.1f%%  reward %7.4f  use of the path %.3f  queue %.3f RTT  verdicts %.3f  noise %.2f"
        + "  %.0f s\n",
      min(100, 100 * Double(progress.steps) / Double(steps)), progress.reward, progress.use, progress.queue,
      progress.verdicts, exp(Double(progress.logDeviation)), (ContinuousClock.now - since) / .seconds(1))
    Narration.write(line)
  }
}
