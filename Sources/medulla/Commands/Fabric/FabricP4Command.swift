import ArgumentParser
import MedullaBase
import MedullaFabric

/// `medulla fabric p4 PLAN -o DIR`.
struct FabricP4Command: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "p4", abstract: "Write a plan's network as a P4 program that shifts and adds.",
    discussion: """
      One P4_16 program (v1model) for all switches, and for each switch a file of commands for \
      simple_switch_CLI: multicast groups and the entries of all tables. Only small networks of dense \
      layers; docs/use/fabric-p4.md says which.
      """)

  private static let numberRange = 0...65_535

  @Argument(help: "The plan's folder.")
  var plan: String
  @Option(name: .shortAndLong, help: "The folder that the files go to.")
  var output: String
  @Option(help: "Multiplications in a pass, 1 to 64.")
  var terms = ShiftAddSchedule.standardTerms
  @Option(help: "Clients that can be there at once, 1 to 1024.")
  var clients = 4
  @Option(help: "The network's number in the header of cells.")
  var model = 0
  @Option(help: "The epoch in the header of cells.")
  var epoch = 0
  @Flag(help: "Also write a specification for DPDK's software switch: a network on one switch.")
  var swx = false
  @Flag(help: "Print JSON.")
  var json = false

  /// What `--json` prints.
  struct Report: Encodable {
    struct Switch: Encodable {
      let name: String
      let commands: String
      let ports: [String]
      let entries: Int
      let passes: Int
    }

    let program: String
    let specification: String?
    let switches: [Switch]
  }

  func validate() throws {
    for (name, value, range) in [
      ("--terms", terms, P4Fabric.Options.termRange), ("--clients", clients, ShiftAddState.clientRange),
      ("--model", model, Self.numberRange), ("--epoch", epoch, Self.numberRange),
    ] where !range.contains(value) {
      throw ValidationError("\(name) must be \(range.lowerBound) to \(range.upperBound).")
    }
  }

  func run() throws {
    let folder = try PlanFolder.read(plan)
    var options = P4Fabric.Options()
    (options.terms, options.clients, options.model, options.epoch) = (terms, clients, model, epoch)
    let fabric = try P4Fabric(folder.plan, folder.file.snapshot, options)
    let specification = swx ? try fabric.specification() : nil
    try fabric.write(to: output, specification: specification)
    let report = Report(
      program: P4Fabric.programName, specification: specification.map { _ in P4Fabric.specificationName },
      switches: fabric.switches.map {
        Report.Switch(
          name: $0.name, commands: $0.fileName, ports: $0.ports, entries: $0.entries, passes: $0.passes)
      })
    print(json ? try JSONText.encode(report) : Self.table(report).text)
  }

  private static func table(_ report: Report) -> TextTable {
    TextTable(
      columns: ["switch", "commands", "ports", "entries", "passes"],
      rows: report.switches.map { node in
        let ports = node.ports.enumerated().map { "\($0 + 1) \($1)" }
        return [node.name, node.commands, ports.joined(separator: ", "), "\(node.entries)", "\(node.passes)"]
      }, leaning: 3)
  }
}
