import MedullaBase

/// A plan as people read it.
package struct PlanTables {
  private let plan: FabricPlan

  package init(_ plan: FabricPlan) { self.plan = plan }

  package var text: String {
    [summary, stages.text, switches.text, links.text].joined(separator: "\n\n")
  }

  private var summary: String {
    let busiest = plan.operations > 0 ? plan.busiest / Double(plan.operations) : 0
    return
      "\(plan.networkName): \(plan.shape)\n"
      + "\(NumberText.short(Double(plan.operations) / 1e6)) million multiply-accumulates an inference, "
      + "\(NumberText.short(busiest * 100))% of them by the busiest processor"
      + (plan.mode == .fast ? "" : "\n\(passes) passes an inference (mode \(plan.mode.rawValue))")
  }

  /// Of a cell through a switch, with the first one.
  private var passes: Int {
    plan.parts.reduce(0) { sum, part in
      let tensor = WireTensor(
        .flat(count: plan.stages[part.stage].inputs), elementBytes: 1,
        channels: [0..<plan.stages[part.stage].inputs], cells: plan.cells)
      return sum + FaithfulPasses.passes(tensor, channels: part.channelCount)
    }
  }

  package var stages: TextTable {
    TextTable(
      columns: ["layer", "switch", "channels", "operations", "memory"],
      rows: plan.parts.map { part in
        let stage = plan.stages[part.stage]
        let isWhole = part.channelCount == stage.channels
        return [
          stage.name, part.node,
          isWhole
            ? "all \(stage.channels)"
            : "\(part.channels.lowerBound) to \(part.channels.upperBound - 1)",
          "\(part.operations)", NumberText.bytes(part.memoryBytes),
        ]
      }, leaning: 2)
  }

  package var switches: TextTable {
    TextTable(
      columns: ["switch", "layers", "processors", "operations", "memory", "of", "cells forwarded"],
      rows: plan.switches.map { load in
        [
          load.name, load.stages.isEmpty ? "–" : load.stages.joined(separator: " "), "\(load.processors)",
          "\(load.operations)", NumberText.bytes(load.memoryBytes), NumberText.bytes(load.memoryLimit),
          "\(load.cellsForwarded)",
        ]
      }, leaning: 2)
  }

  /// Those that carry something.
  package var links: TextTable {
    TextTable(
      columns: ["from", "to", "cells", "bytes", "inferences/s at most"],
      rows: plan.links.filter { $0.cells > 0 }.map { link in
        [
          link.from, link.to, "\(link.cells)", "\(link.bytes)", NumberText.short(link.inferencesPerSecond),
        ]
      }, leaning: 2)
  }
}
