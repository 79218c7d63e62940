import Foundation
import MedullaBase
import MedullaFabric
import MedullaModel

/// A topology file: switches and links, what a user wants of the placement, and how many inferences are on
/// their way at once.
package struct TopologyFile: Sendable, Equatable {
  private static let byteLimit = 1 << 20
  private static let patience = Duration.seconds(5)
  private static let leafRange = 1...128
  private static let spineRange = 1...64
  private static let inferenceRange = 1...64
  private static let payloadRange = 128...1_400

  package var topology: FabricTopology
  package var constraints = PlacementConstraints()
  package var inferences = ResourceModel.standardInferences
  package var cells = CellFormat()

  /// Reads a file.
  ///
  /// - Throws: `badConfiguration` with every problem and its place, `io` when the file cannot be read.
  package init(path: String) throws(ControlError) {
    let data: Data
    do {
      data = try BoundedInput.read(path, limit: Self.byteLimit, patience: Self.patience)
    } catch {
      throw ControlError(
        .io, "the topology file \(path) \(error.reason)",
        remedy: "docs/reference/topology-file.md has one to begin with")
    }
    guard let text = String(data: data, encoding: .utf8) else {
      throw ControlError(.badConfiguration, "\(path) is not UTF-8 text", remedy: "store it as UTF-8")
    }
    try self.init(text: text, path: path)
  }

  /// - Parameter path: how errors name it.
  package init(text: String, path: String) throws(ControlError) {
    let (file, problems) = Self.read(text)
    guard let file, problems.isEmpty else {
      throw ControlError(
        .badConfiguration, problems.map { "\(path):\($0)" }.joined(separator: "\n"),
        remedy: "docs/reference/topology-file.md lists every key with its range")
    }
    self = file
  }

  private init(_ topology: FabricTopology) { self.topology = topology }

  /// What the text says, and everything that is wrong with it, by place.
  static func read(_ text: String) -> (TopologyFile?, [ConfigurationProblem]) {
    ConfigurationDocument.read(text, as: "topology; begin with the key fabric, or switches") { root in
      var file = TopologyFile(topology(&root))
      file.take(&root)
      return file
    } _: {
      $0.topology.problems()
    }
  }

  private static func topology(_ root: inout TableReader) -> FabricTopology {
    guard root.has("fabric") else { return listed(&root) }
    if root.has("switches") || root.has("links") {
      root.problem("fabric", "says all switches and links; leave out switches and links, or fabric")
    }
    var table = root.table("fabric")
    defer { table.finish() }
    var topology = FabricTopology.spineLeaf(
      leaves: table.integer("leaves", in: leafRange) ?? 8,
      spines: table.integer("spines", in: spineRange) ?? 4,
      processors: table.integer("processors", in: 1...FabricTopology.processorRange.upperBound) ?? 1,
      memoryBytes: table.bytes("memory", in: FabricTopology.memoryRange)
        ?? FabricTopology.standardMemoryBytes,
      gigabitsPerSecond: table.gigabits("rate"))
    topology.client = root.string("client") ?? topology.client
    return topology
  }

  private static func listed(_ root: inout TableReader) -> FabricTopology {
    if !root.has("switches") { root.problem(nil, "needs the key fabric, or the keys switches and links") }
    let switches = root.tables("switches").map { entry in
      var table = entry
      defer { table.finish() }
      return FabricTopology.Switch(
        table.requiredString("name", example: "leaf1"),
        processors: table.integer("processors", in: FabricTopology.processorRange) ?? 0,
        memoryBytes: table.bytes("memory", in: FabricTopology.memoryRange)
          ?? FabricTopology.standardMemoryBytes)
    }
    let links = root.tables("links").compactMap { entry -> FabricTopology.Link? in
      var table = entry
      defer { table.finish() }
      let ends = table.strings("ends") ?? []
      guard ends.count == 2 else {
        table.problem("ends", "must be a list of two switches")
        return nil
      }
      return FabricTopology.Link(ends[0], ends[1], gigabitsPerSecond: table.gigabits("rate"))
    }
    return FabricTopology(
      switches: switches, links: links,
      client: root.string("client") ?? switches.first { $0.processors > 0 }?.name ?? "")
  }

  private mutating func take(_ root: inout TableReader) {
    inferences = root.integer("inferences", in: Self.inferenceRange) ?? inferences
    cells = root.integer("payload", in: Self.payloadRange).map { CellFormat(payloadBytes: $0) } ?? cells
    var table = root.table("constraints")
    for var entry in table.tables("pin") {
      let layer = entry.requiredString("layer", example: "conv1")
      if constraints.pinned[layer] != nil { entry.problem("layer", "\(layer) is pinned twice") }
      constraints.pinned[layer] = entry.strings("switches") ?? []
      entry.finish()
    }
    for var entry in table.tables("forbid") {
      let layer = entry.requiredString("layer", example: "conv1")
      constraints.forbidden[layer, default: []].formUnion(entry.strings("switches") ?? [])
      entry.finish()
    }
    for var entry in table.tables("colocate") {
      constraints.colocated.append(entry.strings("layers") ?? [])
      entry.finish()
    }
    constraints.mostStages = table.integer("layers_per_switch", in: 1...FabricTopology.switchLimit)
    table.finish()
  }
}

extension TableReader {
  /// A rate such as `10gbit`, in Gbit/s.
  fileprivate mutating func gigabits(_ key: String) -> Double {
    guard let text = string(key) else { return FabricTopology.standardRate }
    guard let rate = try? Quantity.bitsPerSecond(text), FabricTopology.rateRange.contains(rate / 1e9) else {
      problem(key, "must be a rate from 1mbit to 10000gbit")
      return FabricTopology.standardRate
    }
    return rate / 1e9
  }
}
