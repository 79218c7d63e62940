import MedullaDatapath
import MedullaSnapshot

/// The shipped network in this machine's kernel.
public struct KernelSteering: DemoSteering {
  private let name: String
  private let snapshot: Snapshot
  private let first: DatapathSnapshot
  private let second: DatapathSnapshot

  public let congestion: String

  /// - Parameter name: the instance's name; must be free.
  public init(_ network: ShippedNetwork, name: String) throws {
    self.name = name
    snapshot = network.first
    congestion = try InstanceName(name).congestion
    first = try DatapathSnapshot(SnapshotFile(network.first), name: "aurora")
    second = try DatapathSnapshot(SnapshotFile(network.second), name: "aurora, calibrated anew")
  }

  /// A name that nothing has: `medulla`, or another when that is attached.
  public static func freeName() throws -> String {
    let taken = Set(CongestionControls.available())
    guard
      let name = ["medulla", "medulla-demo", "medulla-demo2"].first(where: { name in
        (try? InstanceName(name)).map { !taken.contains($0.congestion) } ?? false
      })
    else {
      throw TestbedError(
        .badParameter, "The names for the demonstration's congestion control are all taken.",
        remedy: "Detach one: `medulla detach medulla-demo`.")
    }
    return name
  }

  public func attach() throws {
    try CongestionControl.attach(
      name: name, snapshot: first, configuration: CongestionConfiguration(measures: true))
  }

  public func swap() throws -> Duration {
    try ContinuousClock().measure { try CongestionControl.update(name: name, snapshot: second) }
  }

  public func slots() throws -> [DemoSlot] {
    try CongestionControl.status(name: name).slots.map { slot in
      DemoSlot(
        index: slot.index, version: Int(clamping: slot.version), digest: slot.digest, name: slot.name,
        state: slot.state.rawValue, flows: Int(clamping: slot.flows),
        inferences: Int(clamping: slot.inferences),
        nanosecondsPerInference: slot.nanosecondsPerInference,
        leastNanoseconds: slot.minimumNanoseconds.map { Double($0) })
    }
  }

  public func benchmark() throws -> DemoInference {
    let ranges = snapshot.record.featureRanges
    let features = ReferenceInterpreter(snapshot).fixedPoint(ranges.map { Float(($0.low + $0.high) / 2) })
    let report = try InferenceBenchmark(first, shape: snapshot.shape).run(features: features)
    return DemoInference(
      kernelNs: Double(report.kernel), emptyNs: Double(report.empty), nativeScalarNs: report.nativeScalar,
      roundtripNs: Double(report.roundTrip))
  }

  public func detach() {
    try? CongestionControl.detach(name: name)
  }
}

/// Whether this machine can run the demonstration in its kernel.
public enum DemoGround {
  /// One thing that stands in the way.
  public struct Obstacle: Equatable, Sendable {
    public let what: String
    public let remedy: String
  }

  /// What stands in the way; empty when nothing does.
  public static func obstacles() -> [Obstacle] {
    let needed: Set<String> = ["iperf3", "ip", "tun"]
    return Doctor().examine().checks
      .filter { !$0.ok && ($0.required || needed.contains($0.name)) }
      .map { Obstacle(what: "\($0.name): \($0.detail)", remedy: $0.remedy) }
  }
}
