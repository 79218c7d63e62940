import CCongestion
import MedullaKernel

/// The congestion control's object on its way into the kernel.
enum CongestionObject {
  /// Opens, names and loads the program set for a snapshot's shape; nothing is attached yet.
  static func load(
    _ snapshot: DatapathSnapshot, name: InstanceName,
    shared: SharedMaps.Origin = .new(sampleBytes: SampleBuffer.defaultBytes)
  ) throws -> BPFObject {
    let object = try BPFObject(bytes: snapshot.object(of: .congestion), name: "congestion")
    try object.setStructOps(
      CongestionPins.structOpsName, type: "tcp_congestion_ops", member: "name", to: name.congestion,
      capacity: KernelLayout.congestionNameBytes)
    try shared.give(to: object)
    try object.load()
    try snapshot.checkSlots(of: object)
    return object
  }
}
