import ArgumentParser
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
  @Flag(help: "Print JSON.")
  var json = false

  /// What `--json` prints.
  struct Report: Encodable {
    struct Result: Encodable {
      let outputs: [Double]
      let label: Int
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
    let rows = try SampleFile.read(input, elements: network.inputs)
    let answers = try client.infer(rows.map { network.fixedPoint($0) }, window: window)
    let report = Report(
      results: answers.map { answer in
        Report.Result(
          outputs: network.values(of: answer.outputs), label: network.label(of: answer.outputs),
          microseconds: answer.time / .microseconds(1), attempts: answer.attempts)
      })
    print(json ? try JSONText.encode(report) : Self.table(report).text)
  }

  private static func table(_ report: Report) -> TextTable {
    TextTable(
      columns: ["input", "label", "microseconds", "attempts", "outputs"],
      rows: report.results.enumerated().map { number, result in
        [
          "\(number)", "\(result.label)", NumberText.short(result.microseconds), "\(result.attempts)",
          result.outputs.map { NumberText.short($0) }.joined(separator: " "),
        ]
      }, leaning: 0)
  }
}
