import ArgumentParser
import Foundation
import MedullaBase
import MedullaClassification
import MedullaFlows

/// `medulla features`.
struct FeaturesCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "features", abstract: "What networks may be told of a flow.",
    subcommands: [FeaturesListCommand.self, FeaturesExtractCommand.self])
}

/// `medulla features list`.
struct FeaturesListCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "list", abstract: "List the features: name, unit, formula, and where each comes from.")

  @Flag(help: "Those of paths, which path selection tells its networks too.")
  var paths = false

  @Flag(help: "Print JSON.")
  var json = false

  func run() throws {
    if paths { return try printPaths() }
    if json { return try StatusOutput.printJSON(FlowFeature.all) }
    let table = TextTable(
      columns: ["name", "unit", "formula", "source"],
      rows: FlowFeature.all.map { [$0.name, $0.unit, $0.formula, $0.source] }, leaning: 4)
    print(table.text)
  }

  private func printPaths() throws {
    if json { return try StatusOutput.printJSON(PathFeature.all) }
    let table = TextTable(
      columns: ["name", "unit", "formula", "source"],
      rows: PathFeature.all.map { [$0.name, $0.unit, $0.formula, $0.source] }, leaning: 4)
    print(table.text)
  }
}

/// `medulla features extract`.
struct FeaturesExtractCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "extract", abstract: "Measure the flows of a capture.",
    discussion: """
      One row a flow, in the order in which they began: addresses, ports, packets and bytes each way, and \
      every feature by its name. Forward is the direction of a flow's first packet. The integers are those \
      that programs in the kernel compute of the same packets.

      With --inputs the columns are a network's inputs instead, as a classifier sees them when it decides: \
      at the n-th packet of a flow, at each, or when the flow ends before. Flows that it would not decide \
      have no row. Without the first line and the first five columns it is calibration for a compile.
      """)

  @Argument(help: "A capture, pcap or pcapng; - for standard input.")
  var capture: String

  @Option(help: "Where the rows go as CSV; - for standard output.")
  var csv: String

  @Option(help: "A flow that is silent for longer is over, such as 60s.")
  var idle = "60s"

  @Option(
    help: ArgumentHelp("A network's inputs: a line for each, FEATURE or log2(1+FEATURE).", valueName: "file"))
  var inputs: String?

  @Option(
    help: ArgumentHelp(
      "With --inputs: at the n-th packet of a flow, at every packet, or at its end.", valueName: "n"))
  var packets: String?

  func validate() throws {
    guard (inputs == nil) == (packets == nil) else {
      throw ValidationError("--inputs and --packets go together.")
    }
  }

  func run() throws {
    let file = try CaptureFile(capture)
    let broken: (CaptureError) -> Void = { Narration.tell("Warning: \($0)") }
    let (meter, table) =
      try inputs.map { try networkInputs($0, of: file, broken: broken) } ?? features(of: file, broken: broken)
    if csv == "-" { for line in table.lines { print(line) } } else { try table.write(to: csv) }
    Narration.tell(
      "\(meter.flows.count) flows of \(meter.counts.frames) frames; \(meter.counts.withoutFlow) frames are "
        + "of none")
  }

  private func features(
    of file: CaptureFile, broken: (CaptureError) -> Void
  ) throws -> (FlowMeter, FlowTable) {
    let meter = try FlowMeter.measure(file, idle: Quantity.duration(idle), broken: broken)
    return (meter, FlowTable(meter.flows))
  }

  private func networkInputs(
    _ path: String, of file: CaptureFile, broken: (CaptureError) -> Void
  ) throws -> (FlowMeter, FlowTable) {
    let inputs = try FlowInputs(FlowInterfaceFile.features(path))
    let moment = try Classifier.moment(packets ?? "")
    var table = FlowTable(of: inputs)
    var decided: Set<Int> = []
    let meter = try FlowMeter.measure(file, idle: Quantity.duration(idle), broken: broken) { place, flow in
      guard moment.isNow(flow, decided: decided.contains(place)) else { return }
      decided.insert(place)
      table.add(flow, inputs.words(of: flow), fractionBits: inputs.fractionBits)
    }
    return (meter, table)
  }
}
