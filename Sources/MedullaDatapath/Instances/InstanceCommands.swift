import Foundation
import MedullaKernel

/// What can be done with an instance by its name, of whichever kind it is.
///
/// All state is pinned in the kernel. A command that dies leaves the fast path running and the next command a
/// true picture; commands exclude each other by a lock.
public protocol InstanceCommands {}

extension InstanceCommands {
  /// Receives what a person would want to know on the way, such as that a file system was mounted.
  public typealias Narration = (String) -> Void

  /// Makes new flows take another snapshot; flows that run stay on theirs.
  ///
  /// A snapshot of a shape that is loaded goes into a free slot; one of another shape brings its own
  /// program set, which replaces the current one through the link.
  @discardableResult
  public static func update(
    name: String, snapshot: DatapathSnapshot, narrate: Narration = { _ in }
  ) throws -> CongestionStatus {
    try change(name) { router, now throws in
      if let active = router.activePlace, let slot = router.slot(at: active), slot.digest == snapshot.digest {
        narrate("\(name) runs this snapshot already")
        return []
      }
      return try router.install(snapshot.identity, now: now)
    } snapshot: {
      snapshot
    }
  }

  /// Makes new flows take the snapshot that was active before.
  @discardableResult
  public static func rollback(name: String) throws -> CongestionStatus {
    try change(name) { router, now in try router.rollback(now: now) }
  }

  /// Applies what time has brought: flows past the drain limit move, unused program sets go.
  @discardableResult
  public static func sweep(name: String) throws -> CongestionStatus {
    try change(name) { _, _ in [] }
  }

  public static func status(name: String) throws -> CongestionStatus {
    try CongestionStatus(AttachedInstance(InstanceName(name)))
  }

  /// The status after the kernel has counted run time for `seconds`: with what an ACK costs meanwhile.
  ///
  /// Run statistics cost two clock reads on each run of every program of this machine, so they are on only
  /// during this call.
  public static func status(name: String, countingRunTimeFor seconds: Double) throws -> CongestionStatus {
    let instance = try AttachedInstance(InstanceName(name))
    let program = try instance.current().main
    let before = try program.facts()
    let statistics = try BPFRunStatistics()
    Thread.sleep(forTimeInterval: min(max(seconds, 0), 3_600))
    let after = try program.facts()
    withExtendedLifetime(statistics) {}
    var status = try CongestionStatus(instance)
    status.setCost(
      nanoseconds: after.runNanoseconds &- before.runNanoseconds, runs: after.runs &- before.runs)
    return status
  }

  /// Every attached instance, by name.
  ///
  /// - Parameter narrate: hears of instances that cannot be read, such as another version's.
  public static func statusOfAll(narrate: Narration = { _ in }) throws -> [CongestionStatus] {
    try BPFFileSystem.checkReadable()
    return AttachedInstance.attachedNames().filter(AttachedInstance.isAttached).compactMap { name in
      do {
        return try CongestionStatus(AttachedInstance(name))
      } catch {
        narrate("\(name): \(error)")
        return nil
      }
    }
  }

  /// Takes an instance away, and what it did with it.
  ///
  /// Flows of a congestion control go over to the default of before on their next ACK.
  public static func detach(name: String, narrate: Narration = { _ in }) throws {
    let name = try InstanceName(name)
    let lock = try FileLock()
    defer { _ = lock }
    let path = AttachedInstance.path(of: name)
    guard AttachedInstance.isAttached(name) else {
      guard BPFFileSystem.exists(path) else {
        throw DatapathError(.notAttached, "no instance \(name) is attached")
      }
      narrate("removed what an interrupted attach had left of \(name)")
      return try BPFFileSystem.removeTree(path)
    }
    let instance = try AttachedInstance(name)
    if let foreign = instance.foreign {
      narrate("\(foreign.message): flows that run on it stay on it until they end")
    }
    switch instance.kind {
    case .congestion: try CongestionControl.release(instance, narrate: narrate)
    case .custom: try? instance.link.detach()
    }
    try BPFFileSystem.removeTree(path)
  }

  @discardableResult
  static func change(
    _ name: String, _ decide: (inout Router, UInt64) throws -> [Router.Action],
    snapshot: () -> DatapathSnapshot? = { nil }
  ) throws -> CongestionStatus {
    let name = try InstanceName(name)
    let lock = try FileLock()
    defer { _ = lock }
    let instance = try AttachedInstance(name)
    try instance.removeDebris()
    var router = try instance.router()
    try instance.perform(router.sweep(now: monotonicNanoseconds()), snapshot: nil)
    try instance.perform(decide(&router, monotonicNanoseconds()), snapshot: snapshot())
    return try CongestionStatus(instance)
  }
}
