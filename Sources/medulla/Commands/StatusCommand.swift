import ArgumentParser
import Foundation
import MedullaDatapath

/// `medulla status [NAME]`.
struct StatusCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "status", abstract: "Show what runs in the kernel, read from the kernel.")

  @Flag(help: "Print JSON.")
  var json = false
  @Flag(help: "List each flow too.")
  var flows = false
  @Option(
    help: ArgumentHelp(
      "Have the kernel count run time for so long, and show what an ACK costs.", valueName: "seconds"))
  var live: Double?
  @Argument(help: "The instance; all of them when left out.")
  var name: String?

  func validate() throws {
    if name == nil && (flows || live != nil) { throw ValidationError("--flows and --live need a NAME") }
    if let live, !(live > 0 && live <= 3_600) { throw ValidationError("--live takes 0 to 3600 seconds") }
  }

  func run() throws {
    guard let name else {
      let all = try CongestionControl.statusOfAll(narrate: Narration.tell)
      if json { return try StatusOutput.printJSON(["instances": all]) }
      if all.isEmpty { Narration.tell("nothing is attached") }
      for status in all { print(StatusTable(status).text) }
      return
    }
    let status =
      try live.map { try CongestionControl.status(name: name, countingRunTimeFor: $0) }
      ?? CongestionControl.status(name: name)
    guard flows else { return try StatusOutput.print(status, json: json) }
    let list = try CongestionControl.flows(name: name)
    if json { return try StatusOutput.printJSON(StatusWithFlows(status: status, flowList: list)) }
    print(StatusTable(status).text)
    for flow in list {
      print(
        "  flow on slot \(flow.slot) of set \(flow.generation): \(flow.phase.rawValue), "
          + "\(flow.bitsPerSecond / 1_000) kb/s, window \(flow.window), \(flow.decisions) decisions")
    }
  }
}

/// The status with one more key.
private struct StatusWithFlows: Encodable {
  let status: CongestionStatus
  let flowList: [CongestionFlow]

  enum CodingKeys: String, CodingKey { case flowList = "flow_list" }

  func encode(to encoder: any Encoder) throws {
    try status.encode(to: encoder)
    var container = encoder.container(keyedBy: CodingKeys.self)
    try container.encode(flowList, forKey: .flowList)
  }
}

/// A status on standard output, as a table or as JSON.
enum StatusOutput {
  static func print(_ status: CongestionStatus, json: Bool) throws {
    if json { return try printJSON(status) }
    Swift.print(StatusTable(status).text)
  }

  static func printJSON(_ value: some Encodable) throws {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
    Swift.print(String(decoding: try encoder.encode(value), as: UTF8.self))
  }
}

/// What people read on the way, on standard error.
enum Narration {
  static func tell(_ line: String) {
    FileHandle.standardError.write(Data((line + "\n").utf8))
  }
}
