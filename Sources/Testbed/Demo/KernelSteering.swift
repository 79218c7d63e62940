import MedullaCompile
import MedullaCongestion
import MedullaDatapath
import MedullaRuntime
import MedullaSnapshot
import TestbedLink
import TestbedMeasures

/// The shipped network in this machine's kernel.
package struct KernelSteering: DemoSteering {
  private let name: String
  private let snapshot: Snapshot
  private let first: DatapathSnapshot
  private let second: DatapathSnapshot

  package let congestion: String

  /// - Parameter name: the instance's name; must be free.
  package init(_ network: ShippedNetwork, name: String) throws {
    self.name = name
    snapshot = network.first
    congestion = try InstanceName(name).congestion
    first = try DatapathSnapshot(compiling: SnapshotFile(network.first), name: "congestion")
    second = try DatapathSnapshot(
      compiling: SnapshotFile(network.second), name: "congestion, calibrated anew")
  }

  /// A name that nothing has: `medulla`, or another when that is attached.
  package static func freeName() throws -> String {
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

  package func attach() throws {
    try Instance(name).attach(CongestionControl(), first, settings: InstanceSettings(measures: true))
  }

  package func swap() throws -> Duration {
    try ContinuousClock().measure { try Instance(name).update(second) }
  }

  package func slots() throws -> [DemoSlot] {
    try Instance(name).status().slots.map { slot in
      DemoSlot(
        index: slot.index, version: Int(clamping: slot.version), digest: slot.digest, name: slot.name,
        state: slot.state.rawValue, flows: Int(clamping: slot.flows),
        inferences: Int(clamping: slot.inferences),
        nanosecondsPerInference: slot.nanosecondsPerInference,
        leastNanoseconds: slot.minimumNanoseconds.map { Double($0) })
    }
  }

  package func benchmark() throws -> DemoInference {
    let network = try CompiledNetwork(SnapshotFile(snapshot))
    let (kernel, native) = (KernelRuntime(), NativeRuntime.scalar)
    let report = try InferenceBenchmark(network, runtimes: [kernel, native]).run(features: network.middle)
    if let reason = report.absent.first?.reason { throw reason }
    let trips = try RoundTripBenchmark(network).run(features: network.middle)
    let time = report.figure(of: kernel.name)?.time
    return DemoInference(
      kernelNs: time?.nanoseconds ?? 0, emptyNs: time?.setUp ?? 0,
      nativeScalarNs: report.figure(of: native.name)?.time.nanoseconds ?? 0, roundtripNs: Double(trips.median)
    )
  }

  package func detach() {
    try? Instance(name).detach()
  }
}

extension Doctor {
  /// What keeps this machine from running the demonstration in its kernel; empty when nothing does.
  func obstaclesToDemo() -> [Check] {
    let needed: Set<String> = ["iperf3", "ip", "tun"]
    return examine().checks.filter { !$0.ok && ($0.required || needed.contains($0.name)) }
  }
}
