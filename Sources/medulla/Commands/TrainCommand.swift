import ArgumentParser
import Foundation
import MedullaBase
import MedullaCongestion
import MedullaLearning
import MedullaModel
import MedullaSnapshot

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
      """)

  @Option(help: "Seed of the networks, the paths and the noise.")
  var seed: UInt64 = 1
  @Option(help: ArgumentHelp("Write the trained network to this ONNX file.", valueName: "file"))
  var out: String
  @Option(help: ArgumentHelp("Decisions of the policy in the whole run.", valueName: "n"))
  var steps = AuroraTraining.Options().steps
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
      let svg = LearningCurve(training.history, seed: training.options.seed).svg
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
    var options = AuroraTraining.Options()
    options.seed = seed
    options.steps = steps
    return try AuroraTraining(options: options)
  }

  private func narrate(_ progress: AuroraTraining.Progress, of steps: Int, since: ContinuousClock.Instant) {
    let line = String(
      format: "%5.1f%%  reward %7.4f  use of the path %.3f  queue %.3f RTT  noise %.2f  %.0f s\n",
      min(100, 100 * Double(progress.steps) / Double(steps)), progress.reward, progress.use, progress.queue,
      exp(Double(progress.logDeviation)), (ContinuousClock.now - since) / .seconds(1))
    Narration.write(line)
  }
}

/// `medulla train evaluate`: what a network does on stated paths in the simulator.
struct TrainEvaluateCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "evaluate",
    abstract: "Try a congestion network on the links of the acceptance matrix, in the simulator.",
    discussion: """
      MODEL is an ONNX file or a bundle (NAME.medulla). A bundle, or a model with --calibration, runs as \
      integers through the reference interpreter; a model alone runs in floating point.
      """)

  @Argument(help: "An ONNX file or a bundle.")
  var model: String
  @Option(help: ArgumentHelp("Quantize with these observations first (.npy or .csv).", valueName: "file"))
  var calibration: String?
  @Option(help: "Seed of the noise.")
  var seed: UInt64 = 1
  @Option(help: ArgumentHelp("Longest stall of the host, about 5 a second, in ms.", valueName: "ms"))
  var stall = 1.0
  @Option(help: ArgumentHelp("Monitor interval in round trips; 0 decides on every ACK.", valueName: "n"))
  var interval = 1.0
  @Flag(help: "Print JSON.")
  var json = false

  func validate() throws {
    if !(0...16).contains(interval) { throw ValidationError("--interval must be 0 to 16.") }
    if !(0...1000).contains(stall) { throw ValidationError("--stall must be 0 to 1000.") }
  }

  func run() throws {
    let cases = AuroraEvaluation.Case.standard(seed: seed, stall: stall / 1000)
    var configuration = AuroraEvaluation.configuration()
    configuration.interval_fraction_q8 = UInt32((interval * 256).rounded())
    let rows = try AuroraEvaluation.run(cases, configuration: configuration, policy: try policy())
    if json { return print(try JSONText.encode(["rows": rows])) }
    let table = TextTable(
      columns: ["path", "used", "queue ms", "queue RTT", "dropped", "Jain", "guard", "timeouts"],
      rows: rows.map { row in
        let figures = [
          ("%.1f%%", row.utilisation * 100), ("%.2f", row.queueMilliseconds), ("%.3f", row.queueRoundTrips),
          ("%.4f", row.dropped), ("%.3f", row.jain),
        ]
        return [row.name] + figures.map { String(format: $0, $1) } + [
          "\(row.guardEvents)", "\(row.timeouts)",
        ]
      })
    print(table.text)
  }

  private func policy() throws -> AuroraEvaluation.Policy {
    var isDirectory: ObjCBool = false
    if FileManager.default.fileExists(atPath: model, isDirectory: &isDirectory), isDirectory.boolValue {
      return integerPolicy(try SnapshotBundle.open(model).snapshot)
    }
    let network = try ONNXReader.read(contentsOf: model)
    let (inputs, outputs) = (network.inputShape.count, network.outputShape.count)
    guard CongestionConfiguration.sizes.accepts(inputs: inputs, outputs: outputs) else {
      throw ValidationError(
        "\(model) is no congestion network: it must take the controller's features to an action, or to an "
          + "action and a verdict.")
    }
    guard let calibration else { return AuroraEvaluation.policy(network) }
    let samples = try SampleFile.read(calibration, elements: inputs)
    return integerPolicy(try Quantizer().quantize(network, Calibration(samples: samples)))
  }

  private func integerPolicy(_ snapshot: Snapshot) -> AuroraEvaluation.Policy {
    let interpreter = ReferenceInterpreter(snapshot)
    let inputs = snapshot.shape.inputs
    return { features in
      let outputs = interpreter.run(features: Array(UnsafeBufferPointer(start: features, count: inputs)))
      return SteeringOutputs(outputs)
    }
  }
}
