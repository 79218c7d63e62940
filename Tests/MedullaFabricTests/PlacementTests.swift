import MedullaBase
import MedullaFabric
import MedullaSnapshot
import Testing

@Suite("Placements of a network's layers")
struct PlacementTests {
  private static func fabric(
    _ leaves: Int = 8, memory: Int = 64 << 20, processors: Int = 4
  ) -> FabricTopology {
    .spineLeaf(leaves: leaves, spines: 4, processors: processors, memoryBytes: memory)
  }

  /// What holds of every placement: each channel once, memory kept to, no more than there is.
  private static func isSound(
    _ placement: Placement, _ stages: [Stage], _ topology: FabricTopology
  ) -> Bool {
    let channels = stages.indices.allSatisfy { stage in
      placement.parts.filter { $0.stage == stage }.flatMap(\.channels) == Array(0..<stages[stage].channels)
    }
    let memory = topology.switches.allSatisfy { node in
      let own = placement.parts.filter { $0.node == node.name }
      return own.reduce(0) { $0 + $1.memoryBytes } <= node.memoryBytes
        && (own.isEmpty || node.processors > 0) && Set(own.map(\.stage)).count == own.count
    }
    return channels && memory
  }

  @Test("the busiest processor has no more than the largest layer, and layers share a switch below that")
  func miniAlexNet() throws {
    let placer = try Placer(Shapes.miniAlexNet)
    let placement = try placer.place(on: Self.fabric())
    #expect(Self.isSound(placement, placer.stages, Self.fabric()))
    #expect(placement.cost.busiest == 18_690_048.0 / 4)
    // 18.7 million operations of conv2 leave room for conv3 and dense1 on one switch, and so on.
    #expect(placement.cost.switches < 6)
    #expect(placement.nodes(of: 0) == ["leaf1"])
  }

  @Test("with one layer a switch each layer has its own, as in the paper")
  func oneLayer() throws {
    var constraints = PlacementConstraints()
    constraints.mostStages = 1
    let placer = try Placer(Shapes.miniAlexNet, constraints)
    let placement = try placer.place(on: Self.fabric())
    #expect(Set(placement.parts.map(\.node)).count == 6 && placement.parts.count == 6)
  }

  @Test("a layer that no switch has the memory for is divided over as few as have it")
  func divided() throws {
    let topology = Self.fabric(memory: 12 << 20)
    let placer = try Placer(Shapes.miniAlexNet)
    let placement = try placer.place(on: topology)
    #expect(Self.isSound(placement, placer.stages, topology))
    // 8.4 million weights take 22 MB, three a word.
    #expect(placement.nodes(of: 4).count == 2 || placement.nodes(of: 4).count == 3)
    #expect(placement.nodes(of: 0).count == 1)
  }

  @Test("what does not fit is refused with what would do, and that does")
  func refused() throws {
    let placer = try Placer(Shapes.miniAlexNet)
    let small = Self.fabric(3, memory: 8 << 20)
    let error = try #require(throws: FabricError.self) { try placer.place(on: small) }
    #expect(error.code == .doesNotFit)
    #expect(error.cause.contains("dense2") && error.cause.contains("25.2 MB together"))
    let found = error.remedy.firstMatch(of: /([0-9.]+) MB in each of these switches; or ([0-9]+) more/)
    let ways = try #require(found, "\(error.remedy)")
    let bytes = Int(try #require(Double(ways.1)) * 1.01e6)
    #expect(throws: Never.self) { try placer.place(on: Self.fabric(3, memory: bytes)) }
    let count = try #require(Int(ways.2))
    #expect(throws: Never.self) { try placer.place(on: Self.fabric(3 + count, memory: 8 << 20)) }
    #expect(throws: FabricError.self) { try placer.place(on: Self.fabric(2 + count, memory: 8 << 20)) }
  }

  @Test("pins, what is forbidden, and what is together are kept to")
  func constraints() throws {
    var constraints = PlacementConstraints()
    constraints.pinned = ["conv1": ["leaf7"], "dense1": ["leaf2", "leaf3"]]
    constraints.forbidden = ["conv2": Set((1...7).map { "leaf\($0)" })]
    constraints.colocated = [["conv3", "dense3"]]
    let placer = try Placer(Shapes.miniAlexNet, constraints)
    let placement = try placer.place(on: Self.fabric())
    #expect(Self.isSound(placement, placer.stages, Self.fabric()))
    #expect(placement.nodes(of: 0) == ["leaf7"] && placement.nodes(of: 1) == ["leaf8"])
    #expect(Set(placement.nodes(of: 3)) == ["leaf2", "leaf3"])
    #expect(placement.nodes(of: 2) == placement.nodes(of: 5))
  }

  @Test("constraints that name nothing, or forbid each other, are told all at once")
  func badConstraints() throws {
    var constraints = PlacementConstraints()
    constraints.pinned = [
      "conv9": ["leaf1"], "conv1": ["spine1"], "conv2": ["leaf1"], "dense3": ["leaf1", "leaf2"],
    ]
    constraints.forbidden = ["conv2": ["leaf1"], "conv3": ["leaf99"]]
    let placer = try Placer(Shapes.miniAlexNet, constraints)
    let error = try #require(throws: FabricError.self) { try placer.place(on: Self.fabric()) }
    #expect(error.code == .badConstraints)
    for words in [
      "there is no stage conv9", "conv1 is pinned to spine1, which does not compute",
      "conv2 is pinned to leaf1, and forbidden there", "dense3 cannot be divided",
      "conv3 is forbidden on leaf99, which is no switch",
    ] {
      #expect(error.cause.contains(words), "\(error.cause)")
    }
  }

  @Test("no placement costs more than the cheapest of all, on small fabrics")
  func cheapest() throws {
    let seed = UInt64.random(in: .min ... .max)
    var generator = SeededGenerator(seed: seed)
    for round in 0..<40 {
      let widths = (0..<Int.random(in: 3...5, using: &generator)).map { _ in
        Int.random(in: 8...200, using: &generator)
      }
      let steps = zip(widths, widths.dropFirst()).map { Shapes.dense($0, $1) }
      let placer = try Placer(Shapes.shape(widths[0], steps))
      var topology = Self.fabric(3, memory: 1 << 20, processors: 1)
      for index in 0..<3 {
        topology.switches[index].processors = Int.random(in: 1...3, using: &generator)
      }
      let placement = try placer.place(on: topology)
      let best = Self.exhaustive(placer.stages, topology)
      #expect(placement.cost == best, "seed \(seed), round \(round): \(widths)")
    }
  }

  /// The least cost over every way to put whole stages on the first three switches.
  private static func exhaustive(_ stages: [Stage], _ topology: FabricTopology) -> PlacementCost {
    let nodes = topology.computing
    func hops(_ one: Int, _ other: Int) -> Int { one == other ? 0 : 2 }
    var best = PlacementCost(busiest: .infinity, byteHops: .max, switches: .max)
    let count = Int((0..<stages.count).reduce(1) { product, _ in product * nodes.count })
    for code in 0..<count {
      var (rest, places) = (code, [Int]())
      for _ in stages {
        places.append(rest % nodes.count)
        rest /= nodes.count
      }
      var work = [Int](repeating: 0, count: nodes.count)
      for (stage, place) in zip(stages, places) { work[place] += stage.operations }
      var cost = PlacementCost()
      cost.busiest = zip(work, nodes).map { Double($0) / Double($1.processors) }.max() ?? 0
      cost.byteHops = stages[0].inputs * hops(0, places[0])
      for index in stages.indices.dropFirst() {
        cost.byteHops += stages[index].inputs * hops(places[index - 1], places[index])
      }
      cost.byteHops += stages[stages.count - 1].outputs * 8 * hops(places[stages.count - 1], 0)
      cost.switches = Set(places).count
      best = min(best, cost)
    }
    return best
  }
}
