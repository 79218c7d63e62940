import ArgumentParser
import Foundation
import MedullaDatapath
import MedullaModel
import MedullaSnapshot

/// `medulla run-model`: the outputs of a bundle's network for given inputs, by any runtime.
struct RunModelCommand: ParsableCommand {
  enum Runtime: String, CaseIterable, ExpressibleByArgument {
    /// The float network.
    case float
    /// The reference interpreter: the definition of the integer network.
    case reference
    /// The eBPF program in the kernel, by test run.
    case kernel
  }

  /// What `--json` prints.
  private struct Result: Encodable {
    let runtime: String
    let outputs: [[Double]]
    /// The same as fixed-point integers; absent for the float runtime.
    let fixed: [[Int64]]?
    let fractionBits: Int?

    enum CodingKeys: String, CodingKey {
      case runtime, outputs, fixed
      case fractionBits = "fraction_bits"
    }
  }

  static let configuration = CommandConfiguration(
    commandName: "run-model", abstract: "Run a bundle's network on inputs from a file.")

  @Argument(help: "A bundle made by `medulla compile`.")
  var bundle: String
  @Option(help: ArgumentHelp("Inputs: .npy or .csv, one a row.", valueName: "file"))
  var input: String
  @Option(help: "float, reference or kernel.")
  var runtime = Runtime.reference
  @Flag(help: "Print JSON on standard output.")
  var json = false

  func run() throws {
    let bundle = try SnapshotBundle.open(bundle)
    let rows = try SampleFile.read(input, elements: bundle.snapshot.shape.inputs)
    let result = try result(of: bundle, rows)
    if json {
      let encoder = JSONEncoder()
      encoder.outputFormatting = [.sortedKeys, .prettyPrinted]
      print(String(decoding: try encoder.encode(result), as: UTF8.self))
    } else {
      for row in result.outputs { print(row.map { String($0) }.joined(separator: ",")) }
    }
  }

  private func result(of bundle: SnapshotBundle, _ rows: [[Float]]) throws -> Result {
    switch runtime {
    case .float:
      let reference = FloatReference(try ONNXReader.read(contentsOf: bundle.modelPath))
      let outputs = try rows.map { try reference.run($0).map(Double.init) }
      return Result(runtime: runtime.rawValue, outputs: outputs, fixed: nil, fractionBits: nil)
    case .reference:
      let interpreter = ReferenceInterpreter(bundle.snapshot)
      return fixed(rows.map { interpreter.run(features: interpreter.fixedPoint($0)) }, bundle)
    case .kernel:
      let interpreter = ReferenceInterpreter(bundle.snapshot)
      let kernel = try KernelInference(DatapathSnapshot(bundle))
      return fixed(try rows.map { try kernel.run(features: interpreter.fixedPoint($0)) }, bundle)
    }
  }

  private func fixed(_ values: [[Int64]], _ bundle: SnapshotBundle) -> Result {
    let bits = bundle.snapshot.shape.outputFractionBits
    let unit = Double(sign: .plus, exponent: -bits, significand: 1)
    return Result(
      runtime: runtime.rawValue, outputs: values.map { $0.map { Double($0) * unit } }, fixed: values,
      fractionBits: bits)
  }
}
