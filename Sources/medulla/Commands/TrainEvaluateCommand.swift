import ArgumentParser
import CMedullaABI
import Foundation
import MedullaBase
import MedullaCongestion
import MedullaLearning
import MedullaModel
import MedullaSnapshot

/// `medulla train evaluate`: what a network does on stated paths in the simulator.
struct TrainEvaluateCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "evaluate",
    abstract: "Try a congestion network on the links of the acceptance matrix, in the simulator.",
    discussion: """
      MODEL is an ONNX file or a bundle (NAME.medulla). A bundle, or a model with --calibration, runs as \
      integers through the reference interpreter; a model alone runs in floating point.

      With --beside the paths are those of the experiment `coexistence`, shared with one flow of a rival, \
      and each row also tells what CUBIC gets in the network's place.
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
  @Option(help: ArgumentHelp("Share each path with one flow of cubic or bbr.", valueName: "rival"))
  var beside: Rival?
  @Option(help: ArgumentHelp("Beside a rival: fastest path, in Mbit/s.", valueName: "mbps"))
  var fastest = 400.0
  @Flag(help: "Print JSON.")
  var json = false

  enum Rival: String, ExpressibleByArgument, CaseIterable {
    case cubic, bbr
  }

  func validate() throws {
    if !(0...16).contains(interval) { throw ValidationError("--interval must be 0 to 16.") }
    if !(0...1000).contains(stall) { throw ValidationError("--stall must be 0 to 1000.") }
    if !(12...400).contains(fastest) { throw ValidationError("--fastest must be 12 to 400.") }
  }

  func run() throws {
    let cases = AuroraEvaluation.Case.standard(seed: seed, stall: stall / 1000)
    var configuration = AuroraEvaluation.configuration()
    configuration.interval_fraction_q8 = UInt32((interval * 256).rounded())
    if let beside { return try compare(beside, configuration) }
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

  private func compare(_ rival: Rival, _ configuration: mcc_config) throws {
    let sender: LinkScenario.Sender = rival == .cubic ? .cubic : .bbr
    let rows = try RivalEvaluation().run(
      RivalEvaluation.cells(rival: sender, rateLimit: fastest * 1e6), configuration: configuration,
      seed: seed, policy: try policy())
    if json { return print(try JSONText.encode(["rows": rows])) }
    let table = TextTable(
      columns: [
        "first", "Mbit/s", "RTT ms", "BDP", "share", "CUBIC's", "ratio", "rival's", "beside CUBIC",
        "queue ms", "belief", "small after s",
      ],
      rows: rows.map { row in
        let figures = [
          ("%.0f", row.rateMbps), ("%.0f", row.roundTripMilliseconds), ("%.1f", row.bufferProducts),
          ("%.2f", row.ownShare), ("%.2f", row.cubicShare), ("%.2f", row.ratio), ("%.2f", row.rivalShare),
          ("%.2f", row.rivalShareBesideCubic), ("%.1f", row.queueMilliseconds), ("%.2f", row.belief),
        ]
        return [row.isOwnFirst ? "own" : "rival"] + figures.map { String(format: $0, $1) }
          + [row.smallAfter.map { String(format: "%.1f", $0) } ?? "never"]
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
