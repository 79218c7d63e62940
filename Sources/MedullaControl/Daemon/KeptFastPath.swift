import Foundation
import MedullaAdaptation
import MedullaDatapath
import MedullaSnapshot

/// A fast path that keeps every snapshot which it stages, and writes down where.
final class KeptFastPath: FastPath {
  private let fastPath: any FastPath
  private let function: String
  private let frozen: FrozenNetwork
  private let context: LoopContext

  init(_ fastPath: any FastPath, function: String, frozen: FrozenNetwork, context: LoopContext) {
    self.fastPath = fastPath
    self.function = function
    self.frozen = frozen
    self.context = context
  }

  func stage(_ snapshot: SnapshotFile, name: String) throws -> UInt64 {
    let version = try fastPath.stage(snapshot, name: name)
    if let (path, bytes) = context.snapshots.keep(snapshot, network: frozen.network) {
      context.history.add(
        .snapshot(
          KeptSnapshot(
            time: Date().timeIntervalSince1970, function: function, version: version, digest: snapshot.digest,
            name: name, path: path, bytes: bytes)))
    }
    return version
  }

  func drain() throws -> Batch { try fastPath.drain() }
  func query(_ inputs: [[Float]]) throws -> [[Float]] { try fastPath.query(inputs) }
  func shadow(every: Int?) throws { try fastPath.shadow(every: every) }
  func promote() throws { try fastPath.promote() }
  func discard() throws { try fastPath.discard() }
  func rollback(from expected: UInt64) throws -> UInt64 { try fastPath.rollback(from: expected) }
  func lastChange() throws -> ActiveChange? { try fastPath.lastChange() }
  func activeVersion() throws -> UInt64 { try fastPath.activeVersion() }
  func isAttachedAnew() -> Bool { fastPath.isAttachedAnew() }
}
