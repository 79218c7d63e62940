import MedullaSnapshot

/// A network over a fabric: where its layers are, and which ways their cells take.
package struct FabricPlan: Sendable, Equatable, Codable {
  package static let version = 2

  /// A network's plan for one label: inputs of a stage on their way. The label after the last stage's is the
  /// answer's.
  package struct Label: Sendable, Equatable, Codable {
    package let number: Int
    package let sources: [String]
    package let destinations: [String]
    /// By switch, the neighbours that a cell goes on to, but not to the one it came from.
    package let next: [String: [String]]
    /// Of an inference, from all sources together.
    package let cells: Int
  }

  /// What a switch has.
  package struct SwitchLoad: Sendable, Equatable, Codable {
    package let name: String
    package let processors: Int
    package let stages: [String]
    package let memoryBytes: Int
    package let memoryLimit: Int
    /// Multiply-accumulates of an inference.
    package let operations: Int
    /// Cells that only pass it.
    package let cellsForwarded: Int
  }

  /// What a link carries of an inference, in one direction.
  package struct LinkLoad: Sendable, Equatable, Codable {
    package let from: String
    package let to: String
    package let cells: Int
    package let bytes: Int
    /// The rate of inferences at which the link is full.
    package let inferencesPerSecond: Double
  }

  package let planVersion: Int
  package let networkName: String
  package let digest: String
  package let shape: String
  package let topology: FabricTopology
  package let inferences: Int
  package let cells: CellFormat
  package let mode: FabricMode
  /// What the user wanted, for a plan after this one.
  package let constraints: PlacementConstraints
  package let stages: [Stage]
  package let parts: [PlacedPart]
  package let labels: [Label]
  package let switches: [SwitchLoad]
  package let links: [LinkLoad]

  /// - Parameter digest: of the snapshot's file.
  /// - Throws: `badNetwork` where switches have no way to compute a layer.
  package init(
    _ snapshot: Snapshot, digest: String, _ stages: [Stage], _ placement: Placement,
    on topology: FabricTopology, inferences: Int = ResourceModel.standardInferences,
    cells: CellFormat = CellFormat(), constraints: PlacementConstraints = PlacementConstraints(),
    mode: FabricMode = .fast
  ) throws(FabricError) {
    planVersion = Self.version
    networkName = snapshot.record.networkName
    self.digest = digest
    shape = snapshot.shape.description
    self.topology = topology
    self.inferences = inferences
    self.cells = cells
    self.mode = mode
    self.constraints = constraints
    self.stages = stages
    parts = placement.parts
    let divisions = stages.indices.map { number in
      placement.parts.filter { $0.stage == number }.map(\.channels)
    }
    let tensors = try StageLowering.tensors(snapshot.shape, stages, parts: divisions, cells: cells)
    for (number, stage) in stages.enumerated() {
      // What the inputs can be matters for packing alone.
      let body = try StageBody(stage, snapshot, inputs: 0...0)
      try StageLowering.check(stage, body, input: tensors[number], output: tensors[number + 1], mode: mode)
    }
    let routing = PlanRouting(stages, placement, topology, cells, tensors)
    labels = routing.labels
    links = routing.links
    switches = topology.switches.map { node in
      let own = placement.parts.filter { $0.node == node.name }
      return SwitchLoad(
        name: node.name, processors: node.processors, stages: own.map { stages[$0.stage].name },
        memoryBytes: own.reduce(0) { $0 + $1.memoryBytes }, memoryLimit: node.memoryBytes,
        operations: own.reduce(0) { $0 + $1.operations },
        cellsForwarded: routing.forwarded[node.name] ?? 0)
    }
  }

  /// Multiply-accumulates of the busiest processor, which bound the rate.
  package var busiest: Double {
    switches.filter { $0.processors > 0 }.map { Double($0.operations) / Double($0.processors) }.max() ?? 0
  }

  package var operations: Int { stages.reduce(0) { $0 + $1.operations } }
}
