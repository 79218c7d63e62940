import MedullaBase
import MedullaSnapshot

/// Places the stages of a network on the switches of a fabric.
package struct Placer: Sendable {
  package let stages: [Stage]
  private let model: ResourceModel
  private let constraints: PlacementConstraints
  /// More leaves than these are not tried when something does not fit.
  private static let growthLimit = 64

  /// - Throws: `badNetwork` where the network has no layer.
  package init(
    _ shape: ProgramShape, _ constraints: PlacementConstraints = PlacementConstraints(),
    inferences: Int = ResourceModel.standardInferences
  ) throws(FabricError) {
    stages = try Stage.all(of: shape)
    model = ResourceModel(shape, inferences: inferences)
    self.constraints = constraints
  }

  /// The cheapest placement that was found; for networks of up to some ten stages there is no cheaper one.
  ///
  /// A stage is divided over as few switches as have the memory.
  ///
  /// - Throws: `badTopology`, `badConstraints` with every problem; `doesNotFit` with what would do.
  package func place(on topology: FabricTopology) throws(FabricError) -> Placement {
    try Self.refuse(
      topology.problems(), .badTopology, "the topology cannot be used",
      remedy: "docs/reference/topology-file.md has one to begin with")
    try Self.refuse(
      constraints.problems(stages, topology), .badConstraints, "the constraints cannot be met",
      remedy: "take back what is named, or name what there is")
    if let placement = attempt(topology) { return placement }
    throw FabricError(
      .doesNotFit, "the network does not fit into the fabric", cause: cause(topology),
      remedy: remedy(topology))
  }

  private static func refuse(
    _ problems: [String], _ code: FabricErrorCode, _ message: String, remedy: String
  ) throws(FabricError) {
    guard problems.isEmpty else {
      throw FabricError(code, message, cause: problems.joined(separator: "; "), remedy: remedy)
    }
  }

  /// Divides what does not fit into ever more parts.
  ///
  /// - Parameter isAny: any placement will do.
  private func attempt(_ topology: FabricTopology, isAny: Bool = false) -> Placement? {
    var divisions = stages.map { constraints.pinned[$0.name]?.count ?? 1 }
    while true {
      let search = PlacementSearch(
        stages, divisions: divisions, on: topology, by: model, under: constraints)
      if let placement = search.best(isAny: isAny) { return placement }
      // The part that is largest is made smaller.
      let divisible = stages.indices.filter {
        stages[$0].isDivisible && constraints.pinned[stages[$0].name] == nil
          && !constraints.colocated.joined().contains(stages[$0].name)
          && divisions[$0] < min(topology.computing.count, stages[$0].channels)
      }
      guard
        let largest = divisible.max(by: { memory($0, divisions) < memory($1, divisions) })
      else { return nil }
      divisions[largest] += 1
    }
  }

  private func memory(_ stage: Int, _ divisions: [Int]) -> Int {
    let channels = (stages[stage].channels + divisions[stage] - 1) / divisions[stage]
    return model.memoryBytes(stages[stage], channels: channels, processors: 1)
  }

  private func cause(_ topology: FabricTopology) -> String {
    let needed = stages.map {
      "\($0.name) \(NumberText.bytes(model.memoryBytes($0, channels: $0.channels, processors: 1)))"
    }
    let there = topology.computing.reduce(0) { $0 + $1.memoryBytes }
    return
      "its layers need \(needed.joined(separator: ", ")); \(topology.computing.count) switches have "
      + "\(NumberText.bytes(there)) together"
  }

  /// The least memory of each switch, and the fewest switches of the largest kind, with which it would fit.
  private func remedy(_ topology: FabricTopology) -> String {
    var ways: [String] = []
    if let bytes = leastMemory(topology) {
      ways.append("\(NumberText.bytes(bytes)) in each of these switches")
    }
    if let more = moreSwitches(topology) {
      ways.append("\(more) more \(more == 1 ? "switch" : "switches") like the largest")
    }
    if constraints != PlacementConstraints() { ways.append("fewer constraints, perhaps") }
    return ways.isEmpty ? "give the network fewer parameters" : "would do: " + ways.joined(separator: "; or ")
  }

  private func leastMemory(_ topology: FabricTopology) -> Int? {
    func fits(_ bytes: Int) -> Bool {
      var larger = topology
      for index in larger.switches.indices where larger.switches[index].processors > 0 {
        larger.switches[index].memoryBytes = max(larger.switches[index].memoryBytes, bytes)
      }
      return attempt(larger, isAny: true) != nil
    }
    var (low, high) = (0, FabricTopology.memoryRange.lowerBound)
    while !fits(high) {
      guard high < FabricTopology.memoryRange.upperBound else { return nil }
      (low, high) = (high, high * 2)
    }
    // As near as a person would write it.
    while high - low > max(high / 64, 1_024) {
      let middle = (low + high) / 2
      if fits(middle) { high = middle } else { low = middle }
    }
    return high
  }

  private func moreSwitches(_ topology: FabricTopology) -> Int? {
    guard let largest = topology.computing.max(by: { $0.memoryBytes < $1.memoryBytes }) else { return nil }
    var larger = topology
    let ways = topology.links.filter { [$0.one, $0.other].contains(largest.name) }
    for count in 1...Self.growthLimit where larger.switches.count < FabricTopology.switchLimit {
      let name = "\(largest.name)+\(count)"
      larger.switches.append(
        FabricTopology.Switch(
          name, processors: largest.processors, memoryBytes: largest.memoryBytes))
      for way in ways {
        let end = way.one == largest.name ? way.other : way.one
        larger.links.append(
          FabricTopology.Link(name, end, gigabitsPerSecond: way.gigabitsPerSecond))
      }
      if attempt(larger, isAny: true) != nil { return count }
    }
    return nil
  }
}
