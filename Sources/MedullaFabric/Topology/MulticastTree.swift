/// The links that one label's cells take: from whoever sends them, to all who need them.
///
/// A switch sends a cell on by every link of the tree that leads to someone who needs it, but not back by
/// the one it came by. So it needs to know of no sender.
package struct MulticastTree: Sendable, Equatable {
  package let destinations: Set<String>
  /// Neighbours on the tree, sorted.
  private let edges: [String: [String]]

  /// The smallest of the trees of shortest ways around one switch; of several the one that `turn` says, so
  /// that labels take different spines.
  package init(_ graph: SwitchGraph, from sources: Set<String>, to destinations: Set<String>, turn: Int) {
    self.destinations = destinations
    let ends = sources.union(destinations)
    var best: [[String: Set<String>]] = []
    var least = Int.max
    for root in graph.neighbours.keys.sorted() + ends.filter({ graph.neighbours[$0] == nil }) {
      let edges = Self.edges(to: ends, by: graph.parents(from: root))
      let size = edges.values.reduce(0) { $0 + $1.count }
      if size < least { (least, best) = (size, []) }
      if size == least, !best.contains(edges) { best.append(edges) }
    }
    edges = best.isEmpty ? [:] : best[turn % best.count].mapValues { $0.sorted() }
  }

  private static func edges(
    to ends: Set<String>, by parents: [String: String]
  ) -> [String: Set<String>] {
    var edges: [String: Set<String>] = [:]
    for end in ends {
      var at = end
      while let parent = parents[at], edges[at]?.contains(parent) != true {
        edges[at, default: []].insert(parent)
        edges[parent, default: []].insert(at)
        at = parent
      }
    }
    return edges
  }

  /// Where a switch sends a cell that came from a neighbour, or from itself.
  package func next(at name: String, from before: String? = nil) -> [String] {
    (edges[name] ?? []).filter { $0 != before && leads(to: $0, from: name) }
  }

  private func leads(to name: String, from before: String) -> Bool {
    destinations.contains(name)
      || (edges[name] ?? []).contains { $0 != before && leads(to: $0, from: name) }
  }

  /// Every link that a cell from a source takes, in its direction.
  package func hops(from source: String) -> [(from: String, to: String)] {
    var hops: [(from: String, to: String)] = []
    var open: [(at: String, before: String?)] = [(source, nil)]
    while let here = open.popLast() {
      for name in next(at: here.at, from: here.before) {
        hops.append((here.at, name))
        open.append((name, here.at))
      }
    }
    return hops
  }

  /// The switches that have the label in their table.
  package var switches: [String] { edges.keys.sorted() }
}
