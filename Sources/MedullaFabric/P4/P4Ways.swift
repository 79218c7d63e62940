/// The ways of a plan's cells through one switch.
struct P4Ways {
  /// Ports are counted from here: neighbours by name, then the client where it is.
  static let firstPort = 1
  static let client = "client"
  /// Instead of a port, of cells that a switch has made itself.
  private static let itself = 0

  struct Way: Equatable {
    let label: Int
    /// A port, or 0 for the switch itself.
    let cameBy: Int
    let ports: [Int]
    /// Whether a copy stays here.
    let isHere: Bool
  }

  /// What is at each port, from the first.
  let ports: [String]
  private(set) var ways: [Way] = []

  init(_ plan: FabricPlan, at name: String) {
    let around = SwitchGraph(plan.topology).neighbours[name] ?? []
    let hasClient = plan.topology.client == name
    ports = around + (hasClient ? [Self.client] : [])
    let clientPort = Self.firstPort + around.count
    func port(of neighbour: String) -> Int? { around.firstIndex(of: neighbour).map { Self.firstPort + $0 } }
    for label in plan.labels {
      let isAnswer = label.number == plan.stages.count
      let isHere = !isAnswer && label.destinations.contains(name)
      let next = (label.next[name] ?? []).compactMap(port) + (isAnswer && hasClient ? [clientPort] : [])
      var origins = around.filter { label.next[$0]?.contains(name) == true }.compactMap(port)
      if label.number > 0, label.sources.contains(name) { origins.append(Self.itself) }
      if label.number == 0, hasClient { origins.append(clientPort) }
      for origin in origins.sorted() {
        // Not back to where it came from.
        let out = next.filter { $0 != origin }
        guard isHere || !out.isEmpty else { continue }
        ways.append(Way(label: label.number, cameBy: origin, ports: out, isHere: isHere))
      }
    }
  }
}
