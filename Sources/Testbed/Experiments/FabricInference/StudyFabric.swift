import Foundation
import MedullaBase
import MedullaFabric
import MedullaSnapshot

/// A fabric of a study: namespaces and switches, gone with it.
final class StudyFabric {
  let names: FabricNames
  let running: RunningFabric
  private let folder: String

  init(
    _ file: SnapshotFile, leaves: Int, spines: Int, processors: Int = 1, slots: Int = 8, clients: Int = 4,
    constraints: PlacementConstraints = StudyFabric.spread
  ) throws {
    names = try FabricNames("study-\(getpid())")
    folder = NSTemporaryDirectory() + "medulla-study-\(UUID().uuidString)"
    let topology = FabricTopology.spineLeaf(leaves: leaves, spines: spines, processors: processors)
    let written = try Self.plan(file, topology, slots: slots, constraints, at: folder)
    do {
      running = try RunningFabric.up(written, names, room: InstalledTask.Room(slots: slots, clients: clients))
    } catch {
      try? FileManager.default.removeItem(atPath: folder)
      throw error
    }
  }

  deinit {
    try? RunningFabric.down(names)
    try? FileManager.default.removeItem(atPath: folder)
  }

  /// Each layer has a switch of its own, as the paper has it.
  static var spread: PlacementConstraints {
    var constraints = PlacementConstraints()
    constraints.mostStages = 1
    return constraints
  }

  static func plan(
    _ file: SnapshotFile, _ topology: FabricTopology, slots: Int,
    _ constraints: PlacementConstraints = StudyFabric.spread, at folder: String
  ) throws -> PlanFolder {
    let placer = try Placer(file.snapshot.shape, constraints, inferences: slots)
    let plan = try FabricPlan(
      file.snapshot, digest: file.digest, placer.stages, try placer.place(on: topology), on: topology,
      inferences: slots, constraints: constraints)
    return try PlanFolder.write(plan, file, to: folder)
  }
}
