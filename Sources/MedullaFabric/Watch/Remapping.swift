import MedullaSnapshot

/// A plan for what is left of a fabric: layers stay where they are, those of switches that are gone move, and
/// all ways lead around what is gone.
package struct Remapping: Sendable {
  package let plan: FabricPlan

  /// Whether a plan needs any of these links.
  package static func isNeeded(_ plan: FabricPlan, gone: [FabricTopology.Link]) -> Bool {
    let used = Set(plan.links.filter { $0.cells > 0 }.map { Set([$0.from, $0.to]) })
    return gone.contains { used.contains([$0.one, $0.other]) }
  }

  /// - Throws: `doesNotFit` where what is left has no room for the layers that must move.
  package init(
    _ plan: FabricPlan, _ snapshot: Snapshot, of whole: FabricTopology, gone: [FabricTopology.Link]
  ) throws(FabricError) {
    var topology = whole
    topology.links.removeAll(where: gone.contains)
    let reached = SwitchGraph(topology).distances(from: topology.client)
    topology.switches.removeAll { reached[$0.name] == nil }
    topology.links.removeAll { reached[$0.one] == nil || reached[$0.other] == nil }
    var constraints = plan.constraints
    let known = Set(topology.switches.map(\.name))
    constraints.forbidden = constraints.forbidden.mapValues { $0.intersection(known) }
    for (number, stage) in plan.stages.enumerated() {
      let nodes = plan.parts.filter { $0.stage == number }.map(\.node)
      constraints.pinned[stage.name] = known.isSuperset(of: nodes) ? nodes : nil
    }
    let placer = try Placer(snapshot.shape, constraints, inferences: plan.inferences)
    self.plan = try FabricPlan(
      snapshot, digest: plan.digest, placer.stages, try placer.place(on: topology), on: topology,
      inferences: plan.inferences, cells: plan.cells, constraints: plan.constraints,
      mode: plan.mode)
  }
}
