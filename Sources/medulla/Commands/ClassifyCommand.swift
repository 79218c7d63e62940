import ArgumentParser
import Foundation
import MedullaBase
import MedullaClassification
import MedullaFlows
import MedullaSnapshot

/// `medulla classify CAPTURE --model BUNDLE`.
struct ClassifyCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "classify", abstract: "Classify the flows of a capture.",
    discussion: """
      As `medulla attach classifier` does with live packets, by the reference interpreter: the same \
      features, the same integers, the same answers. Nothing is loaded, and no privilege is needed.
      """)

  @Argument(help: "A capture, pcap or pcapng; - for standard input.")
  var capture: String
  @Option(help: ArgumentHelp("The compiled network, over features of flows.", valueName: "bundle"))
  var model: String
  @Option(
    help: ArgumentHelp("Decide at the n-th packet of a flow, at every packet, or at its end.", valueName: "n")
  )
  var packets = "10"
  @Option(
    help: ArgumentHelp(
      "How far the largest output must be before the next; below, a flow is unsure.", valueName: "gap"))
  var margin = 0.0
  @Option(help: "A flow that is silent for longer is over, such as 60s.")
  var idle = "60s"
  @Flag(help: "Print JSON.")
  var json = false

  func validate() throws {
    guard margin >= 0, margin <= 1e6 else { throw ValidationError("--margin \(margin) is out of range") }
  }

  private struct Output: Encodable {
    let labels: [String]
    let flows: [CaptureClassification.Row]
  }

  func run() throws {
    let bundle = try SnapshotBundle.open(model)
    let classified = try CaptureClassification(
      CaptureFile(capture), by: bundle.file, named: bundle.path, at: Classifier.moment(packets),
      idle: Quantity.duration(idle)
    ) { error in
      Narration.tell("Warning: \(error)")
    }
    let rows = classified.rows(margin: margin)
    if json { return try StatusOutput.printJSON(Output(labels: classified.labels, flows: rows)) }
    let table = TextTable(
      columns: ["source", "destination", "protocol", "packets", "label", "margin"],
      rows: rows.map { row in
        [
          "\(row.sourceIp) \(row.sourcePort)", "\(row.destinationIp) \(row.destinationPort)",
          "\(row.protocol)", "\(row.packets)",
          row.decided ? row.label ?? "" : row.label.map { "unsure (\($0))" } ?? "pending",
          row.margin.map { String(format: "%.3f", $0) } ?? "",
        ]
      }, leaning: 2)
    print(table.text)
    let decided = rows.count(where: \.decided)
    let pending = rows.count { $0.label == nil }
    Narration.tell(
      "\(rows.count) flows: \(decided) decided, \(rows.count - decided - pending) unsure, \(pending) pending")
  }
}
