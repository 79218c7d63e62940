/// Tries places for the parts of stages, one stage after another, and leaves out what cannot become better
/// than the best that was found (branch and bound).
///
/// Switches that are alike and unused are tried once. After so many tries the best that was found is taken.
struct PlacementSearch {
  private static let tryLimit = 100_000
  /// Where any placement will do.
  private static let anyTryLimit = 10_000

  private struct Item {
    let stage: Int
    let channels: Range<Int>
    let operations: Int
    /// By number of processors.
    let memory: [Int: Int]
  }

  private let stages: [Stage]
  private let items: [Item]
  private let nodes: [FabricTopology.Switch]
  /// Between nodes, by their numbers; and from the client's switch.
  private let distances: [[Int]]
  private let clientDistances: [Int]
  /// Nodes of one kind are alike.
  private let kinds: [Int]
  private let allowed: [[Bool]]
  private let inputBytes: [Int]
  private let outputBytes: Int
  private let together: [[Int]]
  private let mostStages: Int
  /// By item, the least work of the processor that is busiest with it and those after it.
  private let leastBusy: [Double]

  init(
    _ stages: [Stage], divisions: [Int], on topology: FabricTopology, by model: ResourceModel,
    under constraints: PlacementConstraints
  ) {
    self.stages = stages
    let nodes = topology.computing
    self.nodes = nodes
    let graph = SwitchGraph(topology)
    let all = nodes.map { graph.distances(from: $0.name) }
    distances = all.map { own in nodes.map { own[$0.name] ?? 0 } }
    clientDistances = nodes.map { all.isEmpty ? 0 : graph.distances(from: topology.client)[$0.name] ?? 0 }
    allowed = stages.map { stage in nodes.map { constraints.allows(stage.name, on: $0.name) } }
    let processors = Set(nodes.map(\.processors))
    items = stages.indices.flatMap { number in
      Self.ranges(of: stages[number].channels, parts: divisions[number]).map { channels in
        Item(
          stage: number, channels: channels,
          operations: model.operations(stages[number], channels: channels.count),
          memory: Dictionary(
            uniqueKeysWithValues: processors.map {
              ($0, model.memoryBytes(stages[number], channels: channels.count, processors: $0))
            }))
      }
    }
    inputBytes = stages.map { $0.inputs * model.activationBytes }
    outputBytes = (stages.last?.outputs ?? 0) * 8
    together = constraints.colocated.map { names in
      names.compactMap { name in stages.firstIndex { $0.name == name } }
    }
    mostStages = constraints.mostStages ?? .max
    let widest = Double(nodes.map(\.processors).max() ?? 1)
    var leastBusy = [0.0]
    for item in items.reversed() {
      leastBusy.append(max(leastBusy.last ?? 0, Double(item.operations) / widest))
    }
    self.leastBusy = leastBusy.reversed()
    let signatures = nodes.indices.map { index in
      [
        "\(nodes[index].processors) \(nodes[index].memoryBytes)",
        (graph.neighbours[nodes[index].name] ?? []).joined(separator: " "),
        stages.indices.map { constraints.allows(stages[$0].name, on: nodes[index].name) ? "1" : "0" }
          .joined(),
        nodes[index].name == topology.client ? "client" : "",
      ].joined(separator: "|")
    }
    kinds = signatures.map { signature in signatures.firstIndex(of: signature) ?? 0 }
  }

  /// As even as can be.
  static func ranges(of channels: Int, parts: Int) -> [Range<Int>] {
    (0..<parts).map { channels * $0 / parts..<channels * ($0 + 1) / parts }
  }

  /// What is placed so far. Items are put and taken back, so that nothing is copied.
  private struct State {
    var places: [Int] = []
    var memory: [Int]
    var work: [Int]
    var hosted: [[Int]]
    var cost = PlacementCost()
  }

  /// The cheapest; nil: there is none.
  ///
  /// - Parameter isAny: the first that is found will do.
  func best(isAny: Bool = false) -> Placement? {
    guard !nodes.isEmpty, hasRoom else { return nil }
    var state = State(
      memory: nodes.map(\.memoryBytes), work: [Int](repeating: 0, count: nodes.count),
      hosted: [[Int]](repeating: [], count: nodes.count))
    var found: (places: [Int], cost: PlacementCost)?
    var tries = 0
    extend(&state, &found, &tries, isAny)
    guard let found else { return nil }
    let parts = zip(items, found.places).map { item, place in
      PlacedPart(
        stage: item.stage, node: nodes[place].name, firstChannel: item.channels.lowerBound,
        channelCount: item.channels.count, memoryBytes: item.memory[nodes[place].processors] ?? 0,
        operations: item.operations)
    }
    return Placement(parts: parts, cost: found.cost)
  }

  /// Whether it could fit, as far as sums tell.
  private var hasRoom: Bool {
    let needs = items.map { $0.memory.values.min() ?? 0 }
    let rooms = nodes.map(\.memoryBytes)
    return needs.reduce(0, +) <= rooms.reduce(0, +) && needs.max() ?? 0 <= rooms.max() ?? 0
  }

  private func extend(
    _ state: inout State, _ found: inout (places: [Int], cost: PlacementCost)?, _ tries: inout Int,
    _ isAny: Bool
  ) {
    guard tries < (isAny ? Self.anyTryLimit : Self.tryLimit), !(isAny && found != nil) else { return }
    tries += 1
    let number = state.places.count
    guard number < items.count else {
      var cost = state.cost
      cost.byteHops += answerByteHops(state)
      if found.map({ cost < $0.cost }) ?? true { found = (state.places, cost) }
      return
    }
    var seen = Set<Int>()
    let candidates = nodes.indices.compactMap { place -> (place: Int, cost: PlacementCost)? in
      // Of unused switches that are alike one is as good as the other.
      if state.hosted[place].isEmpty, !seen.insert(kinds[place]).inserted { return nil }
      return mayBe(state, at: place) ? (place, cost(state, at: place)) : nil
    }
    let before = state.cost
    for next in candidates.sorted(by: { ($0.cost, $0.place) < ($1.cost, $1.place) }) {
      if let best = found?.cost, bound(next.cost, from: number + 1) >= best { continue }
      let item = items[number]
      let needed = item.memory[nodes[next.place].processors] ?? 0
      state.places.append(next.place)
      state.memory[next.place] -= needed
      state.work[next.place] += item.operations
      state.hosted[next.place].append(item.stage)
      state.cost = next.cost
      extend(&state, &found, &tries, isAny)
      state.places.removeLast()
      state.memory[next.place] += needed
      state.work[next.place] -= item.operations
      state.hosted[next.place].removeLast()
      state.cost = before
    }
  }

  /// No placement that goes on from here costs less.
  private func bound(_ cost: PlacementCost, from number: Int) -> PlacementCost {
    var cost = cost
    cost.busiest = max(cost.busiest, leastBusy[number])
    return cost
  }

  /// Whether the next item has room on a switch, and is wanted there.
  private func mayBe(_ state: State, at place: Int) -> Bool {
    let item = items[state.places.count]
    return allowed[item.stage][place]
      && item.memory[nodes[place].processors] ?? .max <= state.memory[place]
      && !state.hosted[place].contains(item.stage) && state.hosted[place].count < mostStages
      && keepsTogether(state, item.stage, place)
  }

  /// What it costs with the next item on a switch.
  private func cost(_ state: State, at place: Int) -> PlacementCost {
    let item = items[state.places.count]
    let work = Double(state.work[place] + item.operations) / Double(nodes[place].processors)
    return PlacementCost(
      busiest: max(state.cost.busiest, work), byteHops: state.cost.byteHops + byteHops(state, item, place),
      switches: state.cost.switches + (state.hosted[place].isEmpty ? 1 : 0))
  }

  private func keepsTogether(_ state: State, _ stage: Int, _ place: Int) -> Bool {
    together.allSatisfy { group in
      guard group.contains(stage) else { return true }
      return state.places.indices.allSatisfy {
        !group.contains(items[$0].stage) || state.places[$0] == place
      }
    }
  }

  /// What comes in to an item: all that the stage before has made, from where it was made.
  private func byteHops(_ state: State, _ item: Item, _ place: Int) -> Int {
    guard item.stage > 0 else { return inputBytes[0] * clientDistances[place] }
    let before = state.places.indices.filter { items[$0].stage == item.stage - 1 }
    return before.reduce(0) {
      let share = inputBytes[item.stage] * items[$1].channels.count / stages[item.stage - 1].channels
      return $0 + share * distances[state.places[$1]][place]
    }
  }

  private func answerByteHops(_ state: State) -> Int {
    state.places.indices.filter { items[$0].stage == stages.count - 1 }.reduce(0) {
      $0 + outputBytes * items[$1].channels.count / stages[items[$1].stage].channels
        * clientDistances[state.places[$1]]
    }
  }
}
