import Foundation
import MedullaBase
import MedullaFabric
import MedullaKernel
import MedullaSnapshot
import Testing

/// A fabric of a test: gone with it, whatever becomes of the test.
final class TestFabric {
  static let reason: Comment = "needs root, a kernel with BPF arenas, clang and iproute2"

  /// With MEDULLA_REQUIRE_KERNEL=1 such tests run, and fail where the kernel cannot.
  static let isUsable: Bool = {
    if ProcessInfo.processInfo.environment["MEDULLA_REQUIRE_KERNEL"] == "1" { return true }
    guard geteuid() == 0, let kernel = KernelVersion.running, (try? BPFCompiler()) != nil else {
      return false
    }
    return kernel >= .oldestForFabrics
  }()

  let snapshot: Snapshot
  let names: FabricNames
  let running: RunningFabric
  /// The test has taken it down itself.
  var isDown = false
  private let folder: String
  private let plan: (Snapshot) throws -> (FabricPlan, SnapshotFile)

  init(
    _ snapshot: Snapshot, on topology: FabricTopology, slots: Int = 8, clients: Int = 4,
    constraints: PlacementConstraints = PlacementConstraints(), cells: CellFormat = CellFormat(),
    mode: FabricMode = .fast, datapath: FabricDatapath = .kernel, name: String = "t"
  ) throws {
    self.snapshot = snapshot
    names = try FabricNames("\(name)-\(getpid())")
    folder = NSTemporaryDirectory() + "medulla-fabric-\(UUID().uuidString)"
    plan = { snapshot in
      let file = try SnapshotFile(snapshot)
      let placer = try Placer(snapshot.shape, constraints, inferences: slots)
      return (
        try FabricPlan(
          snapshot, digest: file.digest, placer.stages, try placer.place(on: topology), on: topology,
          inferences: slots, cells: cells, constraints: constraints, mode: mode), file
      )
    }
    let (first, file) = try plan(snapshot)
    let written = try PlanFolder.write(first, file, to: folder)
    running = try RunningFabric.up(
      written, names, room: InstalledTask.Room(slots: slots, clients: clients), datapath: datapath)
  }

  deinit {
    running.stopServing()
    do { if !isDown { try RunningFabric.down(names) } } catch { Issue.record("the fabric stays: \(error)") }
    try? FileManager.default.removeItem(atPath: folder)
  }

  /// Of all switches' memories.
  var freeBytes: Int { running.switches.values.reduce(0) { $0 + $1.memory.freeBytes } }

  /// Which file on disk the only network's description is.
  func descriptionFile() throws -> Int {
    let model = try running.state.requiredModel(nil)
    let found = try FileManager.default.attributesOfItem(
      atPath: "\(model.plan)/\(ClientDescription.fileName)")
    return try #require(found[.systemFileNumber] as? Int)
  }

  /// A plan of another version of the network.
  func folder(of snapshot: Snapshot) throws -> PlanFolder {
    let (plan, file) = try plan(snapshot)
    return try PlanFolder.write(plan, file, to: folder)
  }
}
