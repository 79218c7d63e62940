import Foundation
import MedullaCompile
import MedullaCongestion
import MedullaDatapath
import TestbedLink

/// A congestion control that an experiment attaches for itself, under a name that nobody else has, and takes
/// away again.
package final class ExperimentInstance {
  package let name: String
  /// As sockets select it.
  package let congestion: String
  private var isAttached = true

  /// - Parameter prefix: a few letters; the process's number follows.
  package init(
    _ prefix: String, snapshot: DatapathSnapshot, settings: InstanceSettings = .init()
  ) throws {
    name = "\(prefix)\(getpid())"
    congestion = try InstanceName(name).congestion
    try Instance(name).attach(CongestionControl(), snapshot, settings: settings)
  }

  deinit { detach() }

  package func status() throws -> InstanceStatus { try Instance(name).status() }

  /// The version of the snapshot that new flows get.
  func activeVersion() throws -> UInt64? { try status().slots.first { $0.state == .active }?.version }

  /// The slot of the snapshot that new flows get.
  func activeSlot() throws -> Int {
    guard let slot = try status().slots.first(where: { $0.state == .active })?.index else {
      throw TestbedError(
        .processFailed, "\(name) has no active snapshot.", remedy: "Run again; report this if it comes back.")
    }
    return slot
  }

  /// Its flows, as the kernel has them.
  func flows() throws -> [CongestionFlow] { try Instance(name).flows().compactMap { $0 as? CongestionFlow } }

  /// Lets every flow follow a new snapshot at its next ACK.
  func loosen() throws { try Instance(name).setConsistency(false) }

  /// Makes another snapshot of the same shape active.
  func update(_ snapshot: DatapathSnapshot) throws {
    try Instance(name).update(snapshot)
  }

  /// Takes it away; safe to call twice.
  package func detach() {
    guard isAttached else { return }
    isAttached = false
    try? Instance(name).detach()
  }
}
