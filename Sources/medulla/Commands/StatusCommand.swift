import ArgumentParser
import MedullaBase
import MedullaCompile
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
      let all = try FunctionList.all.statusOfAll(narrate: Narration.tell)
      if json { return try StatusOutput.printJSON(["instances": all]) }
      if all.isEmpty { Narration.tell("nothing is attached") }
      for status in all { print(StatusTable(status).text) }
      return
    }
    let instance = try Instance(name)
    let status = try live.map { try instance.status(countingRunTimeFor: $0) } ?? instance.status()
    guard flows else { return try StatusOutput.print(status, json: json) }
    let list = try instance.flows()
    if json { return try StatusOutput.printJSON(StatusWithFlows(status: status, flowList: list)) }
    print(StatusTable(status).text)
    for flow in list { print("  \(flow.line)") }
  }
}

/// The status with one more key.
private struct StatusWithFlows: Encodable {
  let status: InstanceStatus
  let flowList: [any InstanceFlow]

  enum CodingKeys: String, CodingKey { case flowList = "flow_list" }

  func encode(to encoder: any Encoder) throws {
    try status.encode(to: encoder)
    var container = encoder.container(keyedBy: CodingKeys.self)
    var list = container.nestedUnkeyedContainer(forKey: .flowList)
    for flow in flowList { try list.encode(flow) }
  }
}

/// A status on standard output, as a table or as JSON.
enum StatusOutput {
  static func print(_ status: InstanceStatus, json: Bool) throws {
    if json { return try printJSON(status) }
    Swift.print(StatusTable(status).text)
  }

  static func printJSON(_ value: some Encodable) throws {
    Swift.print(try JSONText.encode(value, keys: .asNamed))
  }
}
