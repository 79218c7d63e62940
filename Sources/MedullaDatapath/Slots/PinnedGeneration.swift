import MedullaKernel

/// One program set of an instance, as it is pinned: its maps, and its control block in memory.
final class PinnedGeneration {
  /// The maps that are pinned for each program set.
  static let mapNames = [
    "medulla_slots", "medulla_control", "medulla_flows", "medulla_counts", "live_features", "live_outputs",
    "congestion_flows", "congestion_config", "congestion_ops",
  ]
  static let structOpsName = "congestion_ops"
  static let mainProgram = "congestion_main"
  static let listProgram = "congestion_list"
  static let drainProgram = "congestion_drain"
  static let liveProgram = "medulla_live"

  let number: Int
  let path: String
  let slots: BPFMap
  let flows: BPFMap
  let counts: BPFMap
  let configuration: BPFMap
  let operations: BPFMap
  private let storage: BPFMap
  let control: ControlBlock
  /// The program that handles an ACK.
  let main: BPFProgram
  /// Asks the active slot by test run, through these two maps.
  let live: BPFProgram
  let liveFeatures: BPFMap
  let liveOutputs: BPFMap
  private let list: BPFProgram
  private let drainer: BPFProgram

  /// Opens all that is pinned at `path`, so that nothing is missing when another command unpins it.
  init(number: Int, path: String) throws {
    self.number = number
    self.path = path
    // The control block first: a whole set of another version lacks what this one opens next.
    control = try ControlBlock(BPFMap(pinned: path + "/medulla_control"))
    let version = control.interfaceVersion
    // 0: its attachment was cut short before it was filled in, so something else is missing too.
    guard version == KernelLayout.interfaceVersion || version == 0 else { throw Self.foreign(path, version) }
    slots = try BPFMap(pinned: path + "/medulla_slots")
    flows = try BPFMap(pinned: path + "/medulla_flows")
    counts = try BPFMap(pinned: path + "/medulla_counts")
    configuration = try BPFMap(pinned: path + "/congestion_config")
    operations = try BPFMap(pinned: path + "/congestion_ops")
    storage = try BPFMap(pinned: path + "/congestion_flows")
    main = try BPFProgram(pinned: path + "/program_" + Self.mainProgram)
    list = try BPFProgram(pinned: path + "/program_" + Self.listProgram)
    drainer = try BPFProgram(pinned: path + "/program_" + Self.drainProgram)
    live = try BPFProgram(pinned: path + "/program_" + Self.liveProgram)
    liveFeatures = try BPFMap(pinned: path + "/live_features")
    liveOutputs = try BPFMap(pinned: path + "/live_outputs")
    guard version != 0 else { throw Self.foreign(path, version) }
  }

  private static func foreign(_ path: String, _ version: UInt32) -> DatapathError {
    DatapathError(
      .foreignVersion,
      "\(path) was attached by a version with interface \(version), this one has "
        + "\(KernelLayout.interfaceVersion)",
      remedy: "detach it with the version that attached it, or `medulla detach`, and attach again")
  }

  /// Pins a loaded object's maps and programs at `path`; the control block must be complete before.
  static func pin(_ object: BPFObject, at path: String) throws {
    try BPFFileSystem.makeDirectory(path)
    for name in mapNames { try object.loadedMap(name).pin(at: path + "/" + name) }
    for name in object.programNames { try object.loadedProgram(name).pin(at: path + "/program_" + name) }
  }

  /// The slots as the kernel has them now.
  func table() throws -> SlotTable {
    var table = control.table()
    for index in table.slots.indices {
      table.slots[index].flows = try flows(of: index).held
    }
    return table
  }

  func flows(of slot: Int) throws -> KernelFlows {
    try flows.value(at: UInt32(slot), as: KernelFlows.self)
  }

  func counts(of slot: Int) throws -> KernelCounts {
    KernelCounts.total(try counts.valuesPerProcessor(at: UInt32(slot), as: KernelCounts.self))
  }

  /// For a slot that no flow holds and that gets another snapshot.
  func resetCounts(of slot: Int) throws {
    try counts.clear(at: UInt32(slot))
    try flows.clear(at: UInt32(slot))
  }

  /// Visits every flow so that those of moving slots go to the active one.
  func drain() throws {
    _ = try drainer.iterate(over: storage)
  }

  /// Every flow that is on this program set, in all network namespaces.
  func liveFlows() throws -> [CongestionFlow] {
    let bytes = try list.iterate(over: storage)
    return bytes.withUnsafeBytes { raw in
      stride(from: 0, through: raw.count - KernelFlowRecord.size, by: KernelFlowRecord.size).map { start in
        let record = raw.loadUnaligned(fromByteOffset: start, as: KernelFlowRecord.self)
        let features = (0..<KernelFlowRecord.featureCount).map {
          raw.loadUnaligned(fromByteOffset: start + KernelFlowRecord.featuresOffset + 4 * $0, as: Int32.self)
        }
        return CongestionFlow(record, features: features, generation: number)
      }
    }
  }
}
