/// Switches, the links between them, and where clients are.
package struct FabricTopology: Sendable, Equatable, Codable {
  package struct Switch: Sendable, Equatable, Codable {
    package var name: String
    /// Pipelines, each of which computes by itself; 0: it only forwards.
    package var processors: Int
    /// For weights, activations and sums.
    package var memoryBytes: Int

    package init(_ name: String, processors: Int, memoryBytes: Int) {
      (self.name, self.processors, self.memoryBytes) = (name, processors, memoryBytes)
    }
  }

  package struct Link: Sendable, Equatable, Codable {
    package var one: String
    package var other: String
    package var gigabitsPerSecond: Double

    package init(_ one: String, _ other: String, gigabitsPerSecond: Double) {
      (self.one, self.other, self.gigabitsPerSecond) = (one, other, gigabitsPerSecond)
    }
  }

  package static let switchLimit = 256
  package static let processorRange = 0...64
  package static let memoryRange = 1 << 16...1 << 40
  package static let rateRange = 0.001...10_000.0
  package static let standardMemoryBytes = 64 << 20
  package static let standardRate = 10.0

  package var switches: [Switch]
  package var links: [Link]
  /// The switch that inputs come in by, and answers go out by.
  package var client: String

  package init(switches: [Switch], links: [Link], client: String) {
    (self.switches, self.links, self.client) = (switches, links, client)
  }

  /// Every leaf is linked to every spine; leaves compute, the first one has the client, spines forward.
  package static func spineLeaf(
    leaves: Int, spines: Int, processors: Int, memoryBytes: Int = standardMemoryBytes,
    gigabitsPerSecond: Double = standardRate
  ) -> FabricTopology {
    let tops = (1...spines).map { Switch("spine\($0)", processors: 0, memoryBytes: memoryBytes) }
    let bottoms = (1...leaves).map { Switch("leaf\($0)", processors: processors, memoryBytes: memoryBytes) }
    let links = bottoms.flatMap { leaf in
      tops.map { Link(leaf.name, $0.name, gigabitsPerSecond: gigabitsPerSecond) }
    }
    return FabricTopology(switches: bottoms + tops, links: links, client: bottoms[0].name)
  }

  package var computing: [Switch] { switches.filter { $0.processors > 0 } }

  package func has(_ name: String) -> Bool { switches.contains { $0.name == name } }

  /// What cannot be; each problem in words.
  package func problems() -> [String] {
    var found: [String] = []
    var names = Set<String>()
    for each in switches where !names.insert(each.name).inserted {
      found.append("there are two switches \(each.name)")
    }
    if switches.count > Self.switchLimit {
      found.append("there are \(switches.count) switches, and at most \(Self.switchLimit) can be placed on")
    }
    if computing.isEmpty { found.append("no switch computes: give some of them processors") }
    var pairs = Set<Set<String>>()
    for link in links {
      for end in [link.one, link.other] where !names.contains(end) {
        found.append("a link ends at \(end), which is no switch")
      }
      if link.one == link.other { found.append("a link of \(link.one) leads to itself") }
      if !pairs.insert([link.one, link.other]).inserted {
        found.append("there are two links between \(link.one) and \(link.other)")
      }
    }
    guard names.contains(client) else {
      return found + ["the client is at \(client), which is no switch"]
    }
    let reached = SwitchGraph(self).distances(from: client)
    for each in switches where reached[each.name] == nil {
      found.append("no way leads from the client's switch \(client) to \(each.name)")
    }
    return found
  }
}
