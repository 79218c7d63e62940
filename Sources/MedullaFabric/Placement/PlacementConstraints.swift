/// What a user wants of a placement.
package struct PlacementConstraints: Sendable, Equatable, Codable {
  /// By stage, the switches that it must be on: as many parts as there are switches.
  package var pinned: [String: [String]] = [:]
  /// By stage, the switches that it must not be on.
  package var forbidden: [String: Set<String>] = [:]
  /// Stages that are on one switch together.
  package var colocated: [[String]] = []
  /// Most stages of a switch; the paper has one.
  package var mostStages: Int?

  package init() {}

  /// What names nothing, or cannot be.
  package func problems(_ stages: [Stage], _ topology: FabricTopology) -> [String] {
    let names = Set(stages.map(\.name))
    let known = "; stages are \(stages.map(\.name).joined(separator: ", "))"
    var found: [String] = []
    for name in Set(pinned.keys).union(forbidden.keys).union(colocated.joined()).sorted()
    where !names.contains(name) {
      found.append("there is no stage \(name)\(known)")
    }
    for (stage, wanted) in pinned.sorted(by: { $0.key < $1.key }) {
      if wanted.isEmpty { found.append("\(stage) is pinned to no switch") }
      if Set(wanted).count < wanted.count { found.append("\(stage) is pinned to a switch twice") }
      for name in wanted {
        if !topology.has(name) {
          found.append("\(stage) is pinned to \(name), which is no switch")
        } else if !topology.computing.contains(where: { $0.name == name }) {
          found.append("\(stage) is pinned to \(name), which does not compute")
        }
        if forbidden[stage]?.contains(name) == true {
          found.append("\(stage) is pinned to \(name), and forbidden there")
        }
      }
      if wanted.count > 1, let own = stages.first(where: { $0.name == stage }), !own.isDivisible {
        found.append("\(stage) cannot be divided, and is pinned to \(wanted.count) switches")
      }
    }
    for (stage, switches) in forbidden.sorted(by: { $0.key < $1.key }) {
      for name in switches.sorted() where !topology.has(name) {
        found.append("\(stage) is forbidden on \(name), which is no switch")
      }
    }
    if let mostStages, mostStages < 1 { found.append("a switch takes at least one stage") }
    return found
  }

  func allows(_ stage: String, on name: String) -> Bool {
    forbidden[stage]?.contains(name) != true && pinned[stage]?.contains(name) != false
  }
}
