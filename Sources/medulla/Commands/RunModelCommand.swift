import ArgumentParser
import Foundation
import MedullaDatapath
import MedullaModel
import MedullaRuntime
import MedullaSnapshot

/// `medulla run-model`: the outputs of a bundle's network for given inputs, by any runtime.
struct RunModelCommand: ParsableCommand {
  /// What `--json` prints.
  private struct Result: Encodable {
    let runtime: String
    let outputs: [[Double]]
    /// The same as fixed-point integers; absent for runtimes that only follow the float network.
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
  @Option(help: "What runs it.")
  var runtime = RuntimeName("reference")
  @Flag(help: "Print JSON on standard output.")
  var json = false

  func run() throws {
    let bundle = try SnapshotBundle.open(bundle)
    let shape = bundle.snapshot.shape
    let rows = try SampleFile.read(input, elements: shape.inputs)
    let runtime = try runtime.runtime()
    if let obstacle = runtime.obstacle { throw obstacle }
    let network = try runtime.load(CompiledNetwork(bundle))
    let result: Result
    if runtime.promise == .exact {
      let words = try network.run(words: rows.map(shape.fixedPoint))
      result = Result(
        runtime: runtime.name, outputs: words.map(shape.values(ofOutputs:)), fixed: words,
        fractionBits: shape.outputFractionBits)
    } else {
      result = Result(
        runtime: runtime.name, outputs: try network.run(values: rows), fixed: nil, fractionBits: nil)
    }
    guard !json else { return try StatusOutput.printJSON(result) }
    for row in result.outputs { print(row.map { String($0) }.joined(separator: ",")) }
  }
}

/// A name from the list of runtimes; another one is refused with those that there are.
struct RuntimeName: ExpressibleByArgument {
  let name: String

  init(_ name: String) { self.name = name }

  init?(argument: String) {
    guard Self.allValueStrings.contains(argument) else { return nil }
    name = argument
  }

  static var allValueStrings: [String] { Runtimes.names }
  var defaultValueDescription: String { name }

  func runtime() throws -> any Runtime { try Runtimes.named(name) }
}
