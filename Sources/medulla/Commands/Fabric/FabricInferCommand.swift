import ArgumentParser
import Foundation
import MedullaBase
import MedullaFabric
import MedullaModel

/// `medulla fabric infer --input FILE`.
struct FabricInferCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "infer", abstract: "Send inputs into a fabric, and print the network's answers.",
    discussion: "One inference for each row of the file, in the network's units. Needs root.")

  @Option(help: "Inputs (.npy, .csv, .txt), one in each row.")
  var input: String
  @OptionGroup var fabric: FabricName
  @Option(help: "The network, where a fabric has several.")
  var model: String?
  @Option(help: "Inferences on their way at once.")
  var window = 1
  @Option(help: ArgumentHelp("Names of the labels, one a line, shown beside them.", valueName: "file"))
  var classes: String?
  @Flag(help: "Print JSON.")
  var json = false

  /// What `--json` prints.
  struct Report: Encodable {
    struct Result: Encodable {
      let outputs: [Double]
      let label: Int
      /// The label's name; absent without `--classes`.
      let name: String?
      let microseconds: Double
      let attempts: Int
    }

    let results: [Result]
  }

  func run() throws {
    let client = try FabricClient(fabric.names(), model: model)
    guard (1...client.largestWindow).contains(window) else {
      throw ValidationError("--window must be 1 to \(client.largestWindow), which the plan has room for.")
    }
    let network = client.description
    let names = try classes.map { try Self.names($0) }
    let rows = try SampleFile.read(input, elements: network.inputs)
    let answers = try client.infer(rows.map { network.fixedPoint($0) }, window: window)
    let report = Report(
      results: answers.map { answer in
        let label = network.label(of: answer.outputs)
        return Report.Result(
          outputs: network.values(of: answer.outputs), label: label,
          name: names.flatMap { $0.indices.contains(label) ? $0[label] : nil },
          microseconds: answer.time / .microseconds(1), attempts: answer.attempts)
      })
    print(json ? try JSONText.encode(report) : Self.table(report).text)
  }

  private static func names(_ path: String) throws -> [String] {
    do {
      let names = try String(contentsOfFile: path, encoding: .utf8).split(separator: "\n").map(String.init)
      guard !names.isEmpty else { throw CocoaError(.fileReadCorruptFile) }
      return names
    } catch {
      throw ValidationError("--classes \(path) cannot be read as names, one a line.")
    }
  }

  private static func table(_ report: Report) -> TextTable {
    TextTable(
      columns: ["input", "label", "microseconds", "attempts", "outputs"],
      rows: report.results.enumerated().map { number, result in
        [
          "\(number)", result.name ?? "\(result.label)", NumberText.short(result.microseconds),
          "\(result.attempts)",
          result.outputs.map { NumberText.short($0) }.joined(separator: " "),
        ]
      }, leaning: 0)
  }
}
