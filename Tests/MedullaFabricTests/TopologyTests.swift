import MedullaFabric
import Testing

@Suite("Topologies")
struct TopologyTests {
  private static func node(_ name: String, _ processors: Int = 1) -> FabricTopology.Switch {
    FabricTopology.Switch(name, processors: processors, memoryBytes: 1 << 20)
  }

  private static func link(_ one: String, _ other: String) -> FabricTopology.Link {
    FabricTopology.Link(one, other, gigabitsPerSecond: 10)
  }

  @Test("in a spine-leaf fabric any two leaves are two hops apart")
  func spineLeaf() {
    let topology = FabricTopology.spineLeaf(leaves: 8, spines: 4, processors: 2)
    #expect(topology.problems().isEmpty && topology.links.count == 32)
    #expect(topology.computing.map(\.name) == (1...8).map { "leaf\($0)" })
    let distances = SwitchGraph(topology).distances(from: "leaf3")
    #expect((1...8).allSatisfy { distances["leaf\($0)"] == ($0 == 3 ? 0 : 2) })
    #expect((1...4).allSatisfy { distances["spine\($0)"] == 1 })
  }

  @Test("a fabric whose name begins with another one's has namespaces of its own")
  func namespaces() throws {
    let (short, long) = (try FabricNames("n"), try FabricNames("n-2"))
    let own = ["leaf1", "clients"].map { short.namespace($0) }
    let others = ["leaf1", "clients"].map { long.namespace($0) } + ["medulla-fabric-m-leaf1", "other"]
    #expect(short.namespaces(among: own + others, beside: ["n", "n-2", "m"]) == own)
    #expect(long.namespaces(among: own + others, beside: ["n", "n-2", "m"]) == Array(others.prefix(2)))
  }

  @Test("what cannot be is told, all at once")
  func problems() {
    let topology = FabricTopology(
      switches: [Self.node("a", 0), Self.node("a", 0), Self.node("c", 0)],
      links: [Self.link("a", "b"), Self.link("a", "a")], client: "a")
    let problems = topology.problems()
    for words in [
      "there are two switches a", "a link ends at b, which is no switch", "a link of a leads to itself",
      "no switch computes", "no way leads from the client's switch a to c",
    ] {
      #expect(problems.contains { $0.contains(words) }, "\(words) in \(problems)")
    }
    var lost = FabricTopology.spineLeaf(leaves: 2, spines: 1, processors: 1)
    lost.client = "nobody"
    #expect(lost.problems() == ["the client is at nobody, which is no switch"])
    lost.client = "leaf1"
    lost.links.append(Self.link("spine1", "leaf1"))
    #expect(lost.problems() == ["there are two links between spine1 and leaf1"])
  }

  @Test("cells reach all who need them once each, from every source, and nobody else's edge")
  func trees() {
    let topology = FabricTopology.spineLeaf(leaves: 6, spines: 3, processors: 1)
    let graph = SwitchGraph(topology)
    let cases: [(Set<String>, Set<String>)] = [
      (["leaf1"], ["leaf2"]), (["leaf1", "leaf2"], ["leaf3", "leaf4", "leaf5"]),
      (["leaf1"], ["leaf1"]), (["leaf2", "leaf3"], ["leaf3", "leaf6"]), (["leaf1"], ["leaf1", "leaf2"]),
    ]
    for (number, (sources, destinations)) in cases.enumerated() {
      for turn in 0..<4 {
        let tree = MulticastTree(graph, from: sources, to: destinations, turn: turn)
        for source in sources {
          let reached = tree.hops(from: source).map(\.to)
          let needed = destinations.subtracting([source])
          #expect(needed.isSubset(of: reached), "case \(number), turn \(turn), \(source)")
          #expect(Set(reached).count == reached.count, "case \(number), turn \(turn), \(source)")
          #expect(
            reached.allSatisfy { needed.contains($0) || $0.hasPrefix("spine") },
            "case \(number), turn \(turn), \(source): \(reached)")
        }
      }
    }
  }

  @Test("labels take turns at the spines")
  func turns() {
    let graph = SwitchGraph(FabricTopology.spineLeaf(leaves: 4, spines: 3, processors: 1))
    let spines = (0..<3).map {
      MulticastTree(graph, from: ["leaf1"], to: ["leaf2"], turn: $0).next(at: "leaf1")
    }
    #expect(Set(spines).count == 3 && spines.allSatisfy { $0.count == 1 })
  }
}
