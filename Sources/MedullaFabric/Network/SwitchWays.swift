/// Where each switch sends a label's cells: on the label's tree as it says, and elsewhere towards the tree,
/// for those who ask for cells from behind.
package struct SwitchWays: Sendable {
  private let plan: FabricPlan
  private let wiring: FabricWiring
  private let graph: SwitchGraph

  package init(_ plan: FabricPlan, _ wiring: FabricWiring) {
    self.plan = plan
    self.wiring = wiring
    graph = SwitchGraph(plan.topology)
  }

  /// Numbers of ports.
  package func ports(at node: String, label number: Int) -> Set<Int> {
    let label = plan.labels[number]
    var ports = Set(neighbours(at: node, label).compactMap { wiring.port(of: node, to: $0)?.number })
    let isAnswer = number == plan.labels.count - 1
    if isAnswer, node == plan.topology.client, let port = wiring.port(of: node, to: nil) {
      ports.insert(port.number)
    }
    return ports
  }

  private func neighbours(at node: String, _ label: FabricPlan.Label) -> [String] {
    if let next = label.next[node] { return next }
    let onTree = Set(label.next.keys).union(label.destinations)
    guard !onTree.contains(node) else { return [] }
    let distances = onTree.map { ($0, graph.distances(from: $0)) }
    let nearest = distances.compactMap { name, steps in steps[node].map { (steps: $0, name: name) } }
      .min { $0 < $1 }
    guard let nearest, let from = distances.first(where: { $0.0 == nearest.name })?.1 else { return [] }
    return graph.neighbours[node]?.first { from[$0] == nearest.steps - 1 }.map { [$0] } ?? []
  }
}
