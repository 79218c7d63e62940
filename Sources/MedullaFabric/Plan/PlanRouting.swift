/// The ways of a plan's cells, and what they load.
struct PlanRouting {
  private(set) var labels: [FabricPlan.Label] = []
  private(set) var links: [FabricPlan.LinkLoad] = []
  /// By switch, the cells of an inference that pass it and are not for it.
  private(set) var forwarded: [String: Int] = [:]

  private struct Hop: Hashable {
    let from: String
    let to: String
  }

  init(
    _ stages: [Stage], _ placement: Placement, _ topology: FabricTopology, _ cells: CellFormat,
    _ tensors: [WireTensor]
  ) {
    let graph = SwitchGraph(topology)
    var loads: [Hop: Int] = [:]
    for number in 0...stages.count {
      let sent = Self.sent(number, placement, topology, tensors[number])
      let destinations =
        number < stages.count ? Set(placement.nodes(of: number)) : [topology.client]
      let tree = MulticastTree(graph, from: Set(sent.keys), to: destinations, turn: number)
      for (source, count) in sent {
        for hop in tree.hops(from: source) {
          loads[Hop(from: hop.from, to: hop.to), default: 0] += count
          if !destinations.contains(hop.to) { forwarded[hop.to, default: 0] += count }
        }
      }
      labels.append(
        FabricPlan.Label(
          number: number, sources: sent.keys.sorted(), destinations: destinations.sorted(),
          next: Dictionary(uniqueKeysWithValues: tree.switches.map { ($0, tree.next(at: $0)) }),
          cells: sent.values.reduce(0, +)))
    }
    for link in topology.links {
      for hop in [Hop(from: link.one, to: link.other), Hop(from: link.other, to: link.one)] {
        let count = loads[hop] ?? 0
        let bytes = count * cells.bytes
        links.append(
          FabricPlan.LinkLoad(
            from: hop.from, to: hop.to, cells: count, bytes: bytes,
            inferencesPerSecond: bytes > 0 ? link.gigabitsPerSecond * 1e9 / Double(8 * bytes) : 0))
      }
    }
  }

  /// Cells of an inference that a label's sources send, by source. Each part of a stage fills its own.
  private static func sent(
    _ number: Int, _ placement: Placement, _ topology: FabricTopology, _ tensor: WireTensor
  ) -> [String: Int] {
    guard number > 0 else { return [topology.client: tensor.cellCount] }
    var sent: [String: Int] = [:]
    for (node, part) in zip(placement.nodes(of: number - 1), tensor.parts) {
      sent[node, default: 0] += tensor.cellCount(of: part)
    }
    return sent
  }
}
