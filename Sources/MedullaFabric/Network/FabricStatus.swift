import CMedullaFabric
import MedullaBase
import MedullaKernel

/// What the switches of a running fabric have counted, by the kernel's own words.
package struct FabricStatus: Sendable, Equatable, Encodable {
  package struct Stage: Sendable, Equatable, Encodable {
    package let model: String
    package let layer: String
    /// Of inputs that came for it.
    package let cells: UInt64
    package let repeated: UInt64
    package let late: UInt64
    package let refused: UInt64
    package let busy: UInt64
    package let broken: UInt64
    /// Of outputs that were sent.
    package let outputs: UInt64
    /// Cells that asked for others.
    package let again: UInt64
  }

  package struct Link: Sendable, Equatable, Encodable {
    /// The switch at the other end; `clients` where they are.
    package let from: String
    package let cells: UInt64
  }

  package struct Switch: Sendable, Equatable, Encodable {
    package let name: String
    package let stages: [Stage]
    /// What came in, by whom it came from.
    package let received: [Link]
    /// Came in by the switch's own wire: cells of layers that are on it, and ones that go round.
    package let own: UInt64
    package let foreign: UInt64
    package let unrouted: UInt64
    package let dropped: UInt64
  }

  /// Where cells come from that no switch sent.
  package static let clients = "clients"

  package let fabric: String
  package let models: [FabricState.Model]
  package let switches: [Switch]

  /// - Throws: `notRunning` when there is no such fabric.
  package init(_ names: FabricNames) throws(FabricError) {
    let state = try FabricState.read(names)
    try state.demandService(names)
    fabric = names.fabric
    models = state.models
    var plans: [(FabricState.Model, FabricPlan)] = []
    for model in state.models { plans.append((model, try PlanFolder.read(model.plan).plan)) }
    let topology = state.topology
    let wiring = FabricWiring(topology, names)
    var switches: [Switch] = []
    for (number, node) in topology.switches.enumerated() {
      let own = try state.open(node.name, number, names)
      switches.append(Self.read(own, node.name, plans, state.room, wiring))
    }
    self.switches = switches
  }

  private static func read(
    _ own: FabricSwitch, _ name: String, _ plans: [(FabricState.Model, FabricPlan)],
    _ room: InstalledTask.Room, _ wiring: FabricWiring
  ) -> Switch {
    var stages: [Stage] = []
    for (model, plan) in plans {
      for label in plan.stages.indices {
        guard let task = own.task(model: model.number, epoch: model.epoch, label: label) else { continue }
        stages.append(Stage(model.name, plan.stages[label].name, task.counts(processors: room.processors)))
      }
    }
    let header = own.header.pointee
    let received = withUnsafeBytes(of: header.received) { raw in
      Array(raw.bindMemory(to: UInt64.self))
    }
    return Switch(
      name: name, stages: stages,
      received: (wiring.ports[name] ?? []).map {
        Link(from: $0.neighbour ?? clients, cells: received[$0.number])
      }, own: received[Int(FABRIC_LOOP)] + received[Int(FABRIC_HERE)], foreign: header.foreign,
      unrouted: header.unrouted,
      dropped: header.dropped)
  }

  /// Cells that one switch got from another one.
  package func cells(from one: String, to other: String) -> UInt64 {
    switches.first { $0.name == other }?.received.first { $0.from == one }?.cells ?? 0
  }

  /// Cells that a switch got from all others.
  package func received(by name: String) -> UInt64 {
    switches.first { $0.name == name }?.received.reduce(0) { $0 + $1.cells } ?? 0
  }

  package var text: String {
    [layers.text, links.text].joined(separator: "\n\n")
  }

  package var layers: TextTable {
    TextTable(
      columns: [
        "switch", "layer", "cells", "repeated", "late", "busy", "refused", "broken", "sent", "asked",
      ],
      rows: switches.flatMap { node in
        node.stages.map { stage in
          [
            node.name, stage.layer, "\(stage.cells)", "\(stage.repeated)", "\(stage.late)", "\(stage.busy)",
            "\(stage.refused)", "\(stage.broken)", "\(stage.outputs)", "\(stage.again)",
          ]
        }
      }, leaning: 2)
  }

  package var links: TextTable {
    TextTable(
      columns: ["from", "to", "cells", "dropped there", "unrouted"],
      rows: switches.flatMap { node in
        node.received.filter { $0.cells > 0 }.map { link in
          [link.from, node.name, "\(link.cells)", "\(node.dropped)", "\(node.unrouted)"]
        }
      }, leaning: 2)
  }
}

extension FabricStatus.Stage {
  fileprivate init(_ model: String, _ layer: String, _ counts: fabric_counts) {
    self.init(
      model: model, layer: layer, cells: counts.cells, repeated: counts.repeated, late: counts.late,
      refused: counts.refused, busy: counts.busy, broken: counts.broken, outputs: counts.outputs,
      again: counts.again)
  }
}

extension fabric_task {
  /// All processors' together.
  fileprivate func counts(processors: Int) -> fabric_counts {
    var sum = fabric_counts()
    guard let base = UnsafePointer<fabric_counts>(bitPattern: UInt(counts_at)) else { return sum }
    for processor in 0..<processors {
      let own = base[processor]
      sum.cells += own.cells
      sum.repeated += own.repeated
      sum.late += own.late
      sum.refused += own.refused
      sum.busy += own.busy
      sum.broken += own.broken
      sum.outputs += own.outputs
      sum.again += own.again
    }
    return sum
  }
}
