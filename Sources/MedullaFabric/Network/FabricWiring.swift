import CMedullaFabric

/// A topology as network namespaces and the wires between them: which port of a switch leads where.
///
/// Ports 0 and 1 of each switch are the ends of a wire to itself; the others follow in the order of its
/// links, and the clients' is the last of its switch.
package struct FabricWiring: Sendable, Equatable {
  package struct Port: Sendable, Equatable {
    package let number: Int
    package let interface: String
    /// The switch at the other end; nil: the clients.
    package let neighbour: String?
  }

  package let names: FabricNames
  package let topology: FabricTopology
  /// By switch, without those of the wire to itself.
  package let ports: [String: [Port]]

  package init(_ topology: FabricTopology, _ names: FabricNames) {
    self.names = names
    self.topology = topology
    var ports: [String: [Port]] = [:]
    func add(_ node: String, to neighbour: String?) {
      let number = Int(FABRIC_HERE) + 1 + (ports[node]?.count ?? 0)
      ports[node, default: []].append(
        Port(number: number, interface: "\(FabricNames.port)\(number)", neighbour: neighbour))
    }
    for link in topology.links {
      add(link.one, to: link.other)
      add(link.other, to: link.one)
    }
    add(topology.client, to: nil)
    self.ports = ports
  }

  package func port(of node: String, to neighbour: String?) -> Port? {
    ports[node]?.first { $0.neighbour == neighbour }
  }

  package var namespaces: [String] {
    topology.switches.map { names.namespace($0.name) } + [names.clientNamespace]
  }

  /// What `ip -batch` does for it, in the namespace where it is called.
  package var commands: [String] {
    var commands = namespaces.map { "netns add \($0)" }
    for node in topology.switches {
      let name = names.namespace(node.name)
      commands.append(veth(FabricNames.loop, name, FabricNames.here, name, queues: node.processors))
    }
    let processors = Dictionary(uniqueKeysWithValues: topology.switches.map { ($0.name, $0.processors) })
    for link in topology.links {
      guard let one = port(of: link.one, to: link.other), let other = port(of: link.other, to: link.one)
      else { continue }
      commands.append(
        veth(
          one.interface, names.namespace(link.one), other.interface, names.namespace(link.other),
          queues: max(processors[link.one] ?? 1, processors[link.other] ?? 1)))
    }
    if let port = port(of: topology.client, to: nil) {
      commands.append(
        veth(
          FabricNames.clientInterface, names.clientNamespace, port.interface,
          names.namespace(topology.client), queues: processors[topology.client] ?? 1))
    }
    return commands
  }

  /// What `ip -n NAMESPACE -batch` does then in each namespace.
  package func commands(inside namespace: String) -> [String] {
    guard namespace != names.clientNamespace else { return ["link set \(FabricNames.clientInterface) up"] }
    let node = topology.switches.first { names.namespace($0.name) == namespace }
    let own = node.flatMap { ports[$0.name] }?.map(\.interface) ?? []
    return ([FabricNames.loop, FabricNames.here] + own).map { "link set \($0) up" }
  }

  private func veth(
    _ one: String, _ space: String, _ other: String, _ otherSpace: String, queues: Int
  ) -> String {
    let count = max(queues, 1)
    let many = "numrxqueues \(count) numtxqueues \(count)"
    return
      "link add name \(one) \(many) netns \(space) type veth peer name \(other) \(many) netns \(otherSpace)"
  }
}
