import CMedullaFabric

/// A label for each link: a cell of it goes from the clients to the link's nearer end, along the link, and
/// back.
///
/// One that comes back says that the link and all before it are there. Ways lead along shortest paths and
/// know no direction, so that a label serves both.
package struct LinkProbes: Sendable {
  package struct Probe: Sendable, Equatable {
    package let link: FabricTopology.Link
    package let epoch: Int
    package let label: Int
    /// Switches from the clients' on; the last one sends the cell back.
    package let path: [String]
  }

  package static let linkLimit = Int(FABRIC_EPOCHS) * Int(FABRIC_LABELS)

  package let probes: [Probe]

  /// - Throws: `badTopology` with more links than there are labels.
  package init(_ topology: FabricTopology) throws(FabricError) {
    guard topology.links.count <= Self.linkLimit else {
      throw FabricError(
        .badTopology,
        "\(topology.links.count) links cannot be watched, at most \(Self.linkLimit)",
        remedy: "leave out links that no plan needs")
    }
    let graph = SwitchGraph(topology)
    let distances = graph.distances(from: topology.client)
    let parents = graph.parents(from: topology.client)
    probes = topology.links.enumerated().map { number, link in
      let isForward = (distances[link.one] ?? .max) <= (distances[link.other] ?? .max)
      let (near, far) = isForward ? (link.one, link.other) : (link.other, link.one)
      var path = [far, near]
      while let parent = parents[path[path.count - 1]] { path.append(parent) }
      return Probe(
        link: link, epoch: number / Int(FABRIC_LABELS), label: number % Int(FABRIC_LABELS),
        path: path.reversed())
    }
  }

  /// Ports of a switch on a probe's path: towards the clients, and on; the last one has none.
  func ports(of probe: Probe, at place: Int, _ wiring: FabricWiring) -> Set<Int> {
    guard place + 1 < probe.path.count else { return [] }
    let node = probe.path[place]
    let before = wiring.port(of: node, to: place > 0 ? probe.path[place - 1] : nil)
    let next = wiring.port(of: node, to: probe.path[place + 1])
    return Set([before, next].compactMap { $0?.number })
  }
}
