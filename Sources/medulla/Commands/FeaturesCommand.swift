import ArgumentParser
import Foundation
import MedullaBase
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

  @Flag(help: "Print JSON.")
  var json = false

  func run() throws {
    if json { return try StatusOutput.printJSON(FlowFeature.all) }
    let table = TextTable(
      columns: ["name", "unit", "formula", "source"],
      rows: FlowFeature.all.map { [$0.name, $0.unit, $0.formula, $0.source] }, leaning: 4)
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
      """)

  @Argument(help: "A capture, pcap or pcapng; - for standard input.")
  var capture: String

  @Option(help: "Where the rows go as CSV; - for standard output.")
  var csv: String

  @Option(help: "A flow that is silent for longer is over, such as 60s.")
  var idle = "60s"

  func run() throws {
    let meter = try FlowMeter.measure(try CaptureFile(capture), idle: Quantity.duration(idle)) { error in
      Narration.tell("Warning: \(error)")
    }
    if csv == "-" {
      print(FlowTable.header.joined(separator: ","))
      for flow in meter.flows { print(FlowTable.row(flow).joined(separator: ",")) }
    } else {
      try FlowTable.write(meter.flows, to: csv)
    }
    Narration.tell(
      "\(meter.flows.count) flows of \(meter.counts.frames) frames; \(meter.counts.withoutFlow) frames are "
        + "of none")
  }
}
