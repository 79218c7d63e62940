import ArgumentParser
import Foundation
import MedullaBase
import MedullaControl
import MedullaFabric
import MedullaModel
import MedullaSnapshot

/// `medulla fabric plan MODEL`.
struct FabricPlanCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "plan", abstract: "Place a network's layers on the switches of a fabric.",
    discussion: """
      The placement makes small, in this order: the work of the busiest processor, bytes times hops, and \
      switches that are used. Layers that no switch has the memory for are divided by filters or neurons. \
      The plan is a folder with the plan, the network's snapshot, and a picture of both.
      """)

  @Argument(help: "The network: an ONNX or safetensors file, or a bundle that was compiled.")
  var model: String
  @Option(help: "Samples of the network's inputs (.npy, .csv, .txt); a bundle has its own numbers already.")
  var calibration: String?
  @Option(help: "How wide weights and activations are: \(QuantizationScheme.choices). Usually w8a8.")
  var scheme: QuantizationScheme?
  @Option(help: "Switches, links and constraints (docs/reference/topology-file.md).")
  var topology: String
  @Option(
    help:
      "How switches compute: fast, or as a match-action pipeline (faithful: dense layers, small networks).")
  var mode = FabricMode.fast
  @Option(name: .shortAndLong, help: "The plan's folder. Without it the plan is only shown.")
  var output: String?
  @Flag(help: "Print JSON.")
  var json = false

  private var isBundle: Bool {
    FileManager.default.fileExists(atPath: model + "/" + SnapshotBundle.manifestName)
  }

  func validate() throws {
    guard isBundle else {
      guard calibration != nil else { throw ValidationError("Give --calibration FILE.") }
      return
    }
    guard calibration == nil, scheme == nil else {
      throw ValidationError("\(model) is a bundle: --calibration and --scheme are for models.")
    }
  }

  func run() throws {
    let wanted = try TopologyFile(path: topology)
    let file = try snapshotFile()
    let placer = try Placer(file.snapshot.shape, wanted.constraints, inferences: wanted.inferences)
    let plan = try FabricPlan(
      file.snapshot, digest: file.digest, placer.stages, try placer.place(on: wanted.topology),
      on: wanted.topology, inferences: wanted.inferences, cells: wanted.cells,
      constraints: wanted.constraints, mode: mode)
    if let output { _ = try PlanFolder.write(plan, file, to: output) }
    print(json ? try JSONText.encode(plan) : PlanTables(plan).text)
  }

  private func snapshotFile() throws -> SnapshotFile {
    if isBundle { return try SnapshotBundle.open(model).file }
    let network = try Network.read(contentsOf: model, output: nil)
    let samples = try calibration.map { try SampleFile.read($0, elements: network.inputShape.count) } ?? []
    let quantizer = Quantizer(QuantizerOptions(scheme: scheme ?? .w8a8))
    return try SnapshotFile(quantizer.quantize(network, Calibration(samples: samples, ranges: nil)))
  }
}

extension FabricMode: ExpressibleByArgument {}

extension QuantizationScheme {
  fileprivate static var choices: String { allCases.map(\.rawValue).joined(separator: ", ") }
}
