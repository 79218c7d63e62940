import CCongestion
import MedullaKernel

/// The congestion control's object on its way into the kernel.
enum CongestionObject {
  /// Where the maps come from that all program sets of an instance share.
  enum Shared {
    /// Made now, with a ring of so many bytes.
    case new(sampleBytes: Int)
    /// Those of the program sets before.
    case lent(SharedMaps)
  }

  /// Opens, names and loads the program set for a snapshot's shape; nothing is attached yet.
  static func load(
    _ snapshot: DatapathSnapshot, name: InstanceName,
    shared: Shared = .new(sampleBytes: SampleBuffer.defaultBytes)
  ) throws -> BPFObject {
    let object = try BPFObject(bytes: snapshot.object(of: .congestion), name: "congestion")
    try object.setStructOps(
      PinnedGeneration.structOpsName, type: "tcp_congestion_ops", member: "name", to: name.congestion,
      capacity: KernelLayout.congestionNameBytes)
    switch shared {
    case .new(let bytes):
      try object.setEntries(of: SharedMaps.samplesName, to: try SampleBuffer.entries(bytes: bytes))
    case .lent(let maps): try maps.lend(to: object)
    }
    try object.load()
    let slots = try object.loadedMap("medulla_slots")
    guard slots.valueSize == snapshot.image.count * 8 else {
      throw DatapathError(
        .badBundle,
        "the program of \(snapshot.name) takes images of \(slots.valueSize) bytes, the snapshot has "
          + "\(snapshot.image.count * 8)",
        remedy: "compile the bundle again")
    }
    return object
  }

  static func control(of object: BPFObject) throws -> ControlBlock {
    try ControlBlock(object.loadedMap("medulla_control"))
  }

  /// A control block with no snapshot yet.
  static func fill(_ control: ControlBlock, snapshot: DatapathSnapshot, name: InstanceName) {
    control.interfaceVersion = KernelLayout.interfaceVersion
    control.active = nil
    control.previous = nil
    control.staged = nil
    control.formats = snapshot.formats
    control.nextVersion = 1
    control.shape = snapshot.shapeDigest
    control.congestion = name.congestion
  }
}
