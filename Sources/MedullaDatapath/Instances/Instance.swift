import Foundation
import MedullaBase
import MedullaKernel

/// One attached network by its name, and all that can be done with it.
///
/// All state is pinned in the kernel. A command that dies leaves the fast path running and the next command a
/// true picture; commands exclude each other by a lock.
package struct Instance: Sendable, CustomStringConvertible {
  package let name: InstanceName
  package let functions: FunctionList

  /// - Parameter functions: those that it may be of.
  package init(_ name: InstanceName, among functions: FunctionList) {
    self.name = name
    self.functions = functions
  }

  package var description: String { name.text }

  /// What is pinned of it now.
  ///
  /// - Throws: `notAttached`, and `foreignVersion` when this version cannot read it.
  package func pinned() throws -> PinnedInstance { try PinnedInstance(name, among: functions) }

  /// Makes new flows take another snapshot; flows that run stay on theirs.
  ///
  /// A snapshot of a shape that is loaded goes into a free slot; one of another shape brings its own
  /// program set.
  @discardableResult
  package func update(_ snapshot: DatapathSnapshot, narrate: Narrator = { _ in }) throws -> InstanceStatus {
    try change { router, now throws in
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
  package func rollback() throws -> InstanceStatus {
    try change { router, now in try router.rollback(now: now) }
  }

  /// Applies what time has brought: flows past the drain limit move, unused program sets go.
  @discardableResult
  package func sweep() throws -> InstanceStatus {
    try change { _, _ in [] }
  }

  package func status() throws -> InstanceStatus { try InstanceStatus(pinned()) }

  /// The status after the kernel has counted run time for `seconds`: with what one run costs meanwhile.
  ///
  /// Run statistics cost two clock reads on each run of every program of this machine, so they are on only
  /// during this call.
  package func status(countingRunTimeFor seconds: Double) throws -> InstanceStatus {
    let instance = try pinned()
    let program = try instance.entry(instance.current())
    let before = try program.facts()
    let statistics = try BPFRunStatistics()
    Thread.sleep(forTimeInterval: min(max(seconds, 0), 3_600))
    let after = try program.facts()
    withExtendedLifetime(statistics) {}
    var status = try InstanceStatus(instance)
    status.setCost(
      nanoseconds: after.runNanoseconds &- before.runNanoseconds, runs: after.runs &- before.runs)
    return status
  }

  /// Every flow of the instance, on all program sets; empty when its function cannot list them.
  package func flows() throws -> [any InstanceFlow] {
    let instance = try pinned()
    return try instance.generations.flatMap { try instance.function.flows(of: $0) }
  }

  /// Takes the instance away, and what it did; its flows go on as before it was attached.
  package func detach(narrate: Narrator = { _ in }) throws {
    let lock = try FileLock()
    defer { _ = lock }
    let path = PinnedInstance.path(of: name)
    try BPFFileSystem.checkReadable()
    guard BPFFileSystem.exists(path) else {
      throw DatapathError(.notAttached, "no instance \(name) is attached")
    }
    // Before anything is taken away: what cannot be unpinned would be left half detached.
    try BPFFileSystem.checkWritable(path)
    guard PinnedInstance.isAttached(name) else {
      narrate("removed what an interrupted attach had left of \(name)")
      return try BPFFileSystem.removeTree(path)
    }
    do {
      let instance = try pinned()
      if let foreign = instance.foreign {
        narrate("\(foreign.message): flows that run on it stay on it until they end")
      }
      try instance.function.release(instance, narrate: narrate)
    } catch let error as DatapathError where error.code == .foreignVersion || error.code == .badFunction {
      narrate("\(error.message): its link is taken away, and what it may have set is set back")
      for function in functions.functions { try function.releaseUnread(name, narrate: narrate) }
      try? BPFLink(pinned: PinnedInstance.linkPath(of: name)).detach()
    }
    // Without its link it is no instance any more, but what the next attach clears away.
    try BPFFileSystem.unpin(PinnedInstance.linkPath(of: name))
    try BPFFileSystem.removeTree(path)
  }

  @discardableResult
  func change(
    _ decide: (inout Router, UInt64) throws -> [Router.Action],
    snapshot: () -> DatapathSnapshot? = { nil }
  ) throws -> InstanceStatus {
    let lock = try FileLock()
    defer { _ = lock }
    let instance = try pinned()
    try BPFFileSystem.checkWritable(PinnedInstance.path(of: name))
    try instance.removeDebris()
    try instance.settleHooks()
    try instance.recount(now: MonotonicClock.nanoseconds)
    var router = try instance.router()
    let now = MonotonicClock.nanoseconds
    try instance.perform(router.sweep(now: now), snapshot: nil)
    try instance.settleRoute(isAlone: router.isAlone(now: now))
    let snapshot = snapshot()
    if snapshot != nil { router.heldRows = try instance.shared().heldRows() }
    try instance.perform(decide(&router, MonotonicClock.nanoseconds), snapshot: snapshot)
    return try InstanceStatus(instance)
  }
}

extension FunctionList {
  /// The status of every attached instance, by name.
  ///
  /// - Parameter narrate: hears of instances that cannot be read, such as another version's.
  package func statusOfAll(narrate: Narrator = { _ in }) throws -> [InstanceStatus] {
    try BPFFileSystem.checkReadable()
    return PinnedInstance.attachedNames().filter(PinnedInstance.isAttached).compactMap { name in
      do {
        return try Instance(name, among: self).status()
      } catch {
        narrate("\(name): \(error)")
        return nil
      }
    }
  }
}
