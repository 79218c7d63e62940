import Foundation
import MedullaSnapshot

/// A plan for switches that are programmed in P4: one program for all, commands for each.
package struct P4Fabric: Sendable, Equatable {
  /// What the files depend on beside the plan.
  package struct Options: Sendable, Equatable {
    /// That can be there at once.
    package var clients = 4
    /// Multiplications in a pass.
    package var terms = ShiftAddSchedule.standardTerms
    package var model = 0
    package var epoch = 0

    package static let termRange = 1...64

    package init() {}
  }

  package struct Switch: Sendable, Equatable {
    package let name: String
    /// What is at each port, from port 1: names of switches, and `client`.
    package let ports: [String]
    /// Of an inference.
    package let passes: Int
    /// Of tables.
    package let entries: Int
    package let commands: String

    static let fileEnding = ".commands"

    package var fileName: String { name + Self.fileEnding }
  }

  package static let programName = "fabric.p4"
  package static let specificationName = "fabric.spec"

  package let schedules: [ShiftAddSchedule]
  package let program: String
  package let switches: [Switch]
  private let options: Options
  private let inferences: Int

  /// - Throws: `badNetwork` where the network has something that is not made of shifts and adds, with its
  ///   name; `doesNotFit` where it is too large.
  package init(
    _ plan: FabricPlan, _ snapshot: Snapshot, _ options: Options = Options()
  ) throws(FabricError) {
    self.options = options
    inferences = plan.inferences
    schedules = try ShiftAddSchedule.all(of: plan, snapshot, terms: options.terms)
    let form = P4Form(
      schedules, terms: options.terms, clients: options.clients, inferences: plan.inferences)
    guard form.regionBytes <= plan.cells.payloadBytes else {
      throw FabricError(
        .doesNotFit,
        "cells have \(plan.cells.payloadBytes) bytes of payload, and passes of \(options.terms) "
          + "multiplications take \(form.regionBytes) of them",
        remedy: "use larger cells (`payload` of the topology file), or fewer `--terms`")
    }
    program = P4Program(form: form).text
    var switches: [Switch] = []
    for node in plan.topology.switches {
      let parts = zip(schedules, form.state.places).filter { $0.0.node == node.name }.map {
        P4Commands.Part(schedule: $0.0, place: $0.1, terms: options.terms)
      }
      let ways = P4Ways(plan, at: node.name)
      let entries = ways.ways.count + parts.reduce(0) { $0 + $1.entryCount }
      guard entries <= P4Commands.entryLimit else {
        throw FabricError(
          .doesNotFit,
          "\(node.name) would have \(entries) entries, and at most \(P4Commands.entryLimit) are made",
          remedy: "spread the network over more switches, or use a smaller one")
      }
      switches.append(
        Switch(
          name: node.name, ports: ways.ports, passes: parts.reduce(0) { $0 + $1.schedule.passCount },
          entries: entries,
          commands: P4Commands(ways.ways, parts, model: options.model, epoch: options.epoch).text))
    }
    self.switches = switches
  }

  /// The same schedule for DPDK's software switch.
  ///
  /// - Throws: `doesNotFit` where the network is not on one switch, or too large for one.
  package func specification() throws(FabricError) -> SWXSpecification {
    try SWXSpecification(
      schedules, clients: options.clients, inferences: inferences, model: options.model,
      epoch: options.epoch)
  }

  /// Writes the program and a file of commands for each switch; what was written there before goes.
  ///
  /// - Parameter specification: written beside them, where there is one.
  /// - Throws: `badPlan` where something else is in the folder, or the disk refuses.
  package func write(to path: String, specification: SWXSpecification? = nil) throws(FabricError) {
    let manager = FileManager.default
    let there = (try? manager.contentsOfDirectory(atPath: path)) ?? []
    guard there.isEmpty || there.contains(Self.programName) else {
      throw FabricError(
        .badPlan, "\(path) is there and has no \(Self.programName), so that it stays",
        remedy: "give another name, or remove it yourself")
    }
    var files = [(Self.programName, program)] + switches.map { ($0.fileName, $0.commands) }
    if let specification { files.append((Self.specificationName, specification.text)) }
    let folder = URL(fileURLWithPath: path)
    do {
      try manager.createDirectory(at: folder, withIntermediateDirectories: true)
      for name in there where name.hasSuffix(Switch.fileEnding) || name == Self.specificationName {
        try manager.removeItem(at: folder.appendingPathComponent(name))
      }
      for (name, text) in files { try Data(text.utf8).write(to: folder.appendingPathComponent(name)) }
    } catch {
      throw FabricError(
        .badPlan, "the program cannot be written to \(path)", cause: error.localizedDescription,
        remedy: "check that the folder around it is writable, and has room")
    }
  }
}
