/// The ways between switches.
package struct SwitchGraph: Sendable {
  /// Sorted by name, so that all choices repeat.
  package let neighbours: [String: [String]]

  package init(_ topology: FabricTopology) {
    var neighbours: [String: [String]] = [:]
    for link in topology.links {
      neighbours[link.one, default: []].append(link.other)
      neighbours[link.other, default: []].append(link.one)
    }
    self.neighbours = neighbours.mapValues { $0.sorted() }
  }

  /// Hops from a switch to each that can be reached, itself included.
  package func distances(from start: String) -> [String: Int] {
    var distances = [start: 0]
    var next = [start]
    while !next.isEmpty {
      let here = next
      next = []
      for name in here {
        for neighbour in neighbours[name] ?? [] where distances[neighbour] == nil {
          distances[neighbour] = (distances[name] ?? 0) + 1
          next.append(neighbour)
        }
      }
    }
    return distances
  }

  /// The one before each switch on a shortest way from a root.
  func parents(from root: String) -> [String: String] {
    let distances = distances(from: root)
    return Dictionary(
      uniqueKeysWithValues: distances.compactMap { name, distance in
        (neighbours[name] ?? []).first { distances[$0] == distance - 1 }.map { (name, $0) }
      })
  }
}
