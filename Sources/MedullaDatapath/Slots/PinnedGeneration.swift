import MedullaKernel

/// One program set of an instance, as it is pinned: its maps, and its control block in memory.
final class PinnedGeneration {
  /// The maps that every program set has.
  static let mapNames = [
    "medulla_slots", "medulla_control", "medulla_flows", "medulla_counts", "live_features", "live_outputs",
  ]
  static let liveProgram = "medulla_live"
  /// Where a custom function's own program is pinned, whatever its name.
  static let functionPin = "function"

  let number: Int
  let path: String
  let slots: BPFMap
  let flows: BPFMap
  let counts: BPFMap
  let control: ControlBlock
  /// What only the congestion control has; nil for a custom function.
  let congestion: CongestionPins?
  /// The program that handles an ACK or a packet.
  let main: BPFProgram
  /// Asks the active slot by test run, through these two maps.
  let live: BPFProgram
  let liveFeatures: BPFMap
  let liveOutputs: BPFMap
  /// By which the instance's link names the program set.
  let identifier: UInt32

  /// Opens all that is pinned at `path`, so that nothing is missing when another command unpins it.
  init(number: Int, path: String, kind: InstanceKind) throws {
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
    switch kind {
    case .congestion:
      let pins = try CongestionPins(path: path)
      congestion = pins
      main = try BPFProgram(pinned: path + "/program_" + CongestionPins.mainProgram)
      identifier = pins.operations.identifier
    case .custom:
      congestion = nil
      main = try BPFProgram(pinned: path + "/" + Self.functionPin)
      identifier = try main.facts().identifier
    }
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
  ///
  /// - Parameter function: a custom function's own program, which comes last: without it the set is not
  /// whole.
  static func pin(_ object: BPFObject, at path: String, function: String? = nil) throws {
    try BPFFileSystem.makeDirectory(path)
    let own = function == nil ? CongestionPins.mapNames : userMaps(of: object)
    for name in mapNames + own { try object.loadedMap(name).pin(at: path + "/" + name) }
    for name in object.programNames where name != function {
      try object.loadedProgram(name).pin(at: path + "/program_" + name)
    }
    if let function { try object.loadedProgram(function).pin(at: path + "/" + functionPin) }
  }

  /// The maps of a custom function's file, for its user to read and write; names that begin with `.` are the
  /// compiler's.
  private static func userMaps(of object: BPFObject) -> [String] {
    object.mapNames.filter {
      !mapNames.contains($0) && !SharedMaps.names.contains($0) && !$0.contains(".")
    }
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
}
