import CCongestion
import Foundation
import MedullaKernel

/// TCP congestion control by a network: attach, update, roll back, detach.
///
/// All state is pinned in the kernel. A command that dies leaves flows running and the next command a true
/// picture; commands exclude each other by a lock.
public enum CongestionControl {
  /// Receives what a person would want to know on the way, such as that a file system was mounted.
  public typealias Narration = (String) -> Void

  /// Registers a new congestion control that any program can select by its name.
  @discardableResult
  public static func attach(
    name: String, snapshot: DatapathSnapshot, configuration: CongestionConfiguration = .init(),
    narrate: Narration = { _ in }
  ) throws -> CongestionStatus {
    let name = try InstanceName(name)
    try configuration.validate()
    if try BPFFileSystem.ensureMounted() {
      narrate("mounted the BPF file system at \(BPFFileSystem.mountPoint)")
    }
    let lock = try FileLock()
    defer { _ = lock }
    try checkFree(name)
    let path = CongestionInstance.path(of: name)
    try BPFFileSystem.makeDirectory(BPFFileSystem.root)
    if BPFFileSystem.exists(path) {
      narrate("removed what an interrupted attach had left of \(name)")
      try BPFFileSystem.removeTree(path)
    }
    let object = try CongestionObject.load(
      snapshot, name: name, shared: .new(sampleBytes: configuration.sampleBytes))
    let control = try CongestionObject.control(of: object)
    CongestionObject.fill(control, snapshot: snapshot, name: name)
    let now = monotonicNanoseconds()
    control.before = TCPSettings.defaultCongestionControl
    control.attachedNanoseconds = now
    control.drainLimitNanoseconds = configuration.drainLimitNanoseconds
    control.measures = configuration.measures
    control.follows = !configuration.isConsistent
    control.sampleEvery = try Sampling.every(configuration.sampleEvery)
    try object.loadedMap("congestion_config").set(configuration.controller, at: 0)
    try object.loadedMap("medulla_slots").set(words: snapshot.image, at: 0)
    control.describe(0, snapshot.identity, version: 1, now: now)
    control.nextVersion = 2
    control.active = 0
    do {
      try BPFFileSystem.makeDirectory(path)
      try SharedMaps(of: object).pin(at: path)
      try PinnedGeneration.pin(object, at: CongestionInstance.generationPath(of: name, 1))
      // Until the link is pinned the attachment ends with this process, so no half of one can stay.
      let link = try object.attachStructOps(PinnedGeneration.structOpsName)
      try link.pin(at: CongestionInstance.linkPath(of: name))
    } catch {
      try? BPFFileSystem.removeTree(path)
      throw error
    }
    return try CongestionStatus(CongestionInstance(name))
  }

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

  /// Takes the congestion control away. Flows that run on it go over to the default of before on their
  /// next ACK, and a default that named it is set back.
  public static func detach(name: String, narrate: Narration = { _ in }) throws {
    let name = try InstanceName(name)
    let lock = try FileLock()
    defer { _ = lock }
    let path = CongestionInstance.path(of: name)
    guard CongestionInstance.isAttached(name) else {
      guard BPFFileSystem.exists(path) else {
        throw DatapathError(.notAttached, "no instance \(name) is attached")
      }
      narrate("removed what an interrupted attach had left of \(name)")
      return try BPFFileSystem.removeTree(path)
    }
    let instance = try CongestionInstance(name)
    if let foreign = instance.foreign {
      narrate("\(foreign.message): flows that run on it stay on it until they end")
    }
    let before = instance.generations.last?.control.before ?? ""
    if TCPSettings.defaultCongestionControl == name.congestion {
      if before.isEmpty {
        let plain = try TCPSettings.setPlainCongestionControl()
        narrate("set the default congestion control to \(plain): what it was before cannot be read")
      } else {
        try TCPSettings.setDefaultCongestionControl(before)
        narrate("set the default congestion control back to \(before)")
      }
    }
    // New flows must not find the name while running ones leave it.
    try? instance.link.detach()
    for generation in instance.generations where !before.isEmpty && before != name.congestion {
      generation.control.congestion = before
      generation.control.isRetired = true
    }
    try BPFFileSystem.removeTree(path)
  }

  public static func status(name: String) throws -> CongestionStatus {
    try CongestionStatus(CongestionInstance(InstanceName(name)))
  }

  /// The status after the kernel has counted run time for `seconds`: with what an ACK costs meanwhile.
  ///
  /// Run statistics cost two clock reads on each run of every program of this machine, so they are on only
  /// during this call.
  public static func status(name: String, countingRunTimeFor seconds: Double) throws -> CongestionStatus {
    let instance = try CongestionInstance(InstanceName(name))
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
    return CongestionInstance.attachedNames().filter(CongestionInstance.isAttached).compactMap { name in
      do {
        return try CongestionStatus(CongestionInstance(name))
      } catch {
        narrate("\(name): \(error)")
        return nil
      }
    }
  }

  @discardableResult
  static func change(
    _ name: String, _ decide: (inout Router, UInt64) throws -> [Router.Action],
    snapshot: () -> DatapathSnapshot? = { nil }
  ) throws -> CongestionStatus {
    let name = try InstanceName(name)
    let lock = try FileLock()
    defer { _ = lock }
    let instance = try CongestionInstance(name)
    try instance.removeDebris()
    var router = try instance.router()
    try instance.perform(router.sweep(now: monotonicNanoseconds()), snapshot: nil)
    try instance.perform(decide(&router, monotonicNanoseconds()), snapshot: snapshot())
    return try CongestionStatus(instance)
  }

  private static func checkFree(_ name: InstanceName) throws {
    if CongestionInstance.isAttached(name) {
      throw DatapathError(
        .alreadyAttached, "an instance \(name) is attached already",
        remedy: "`medulla update \(name) BUNDLE` changes its snapshot, `medulla detach \(name)` ends it")
    }
    guard !TCPSettings.availableCongestionControls.contains(name.congestion) else {
      throw DatapathError(
        .alreadyAttached, "TCP has a congestion control named \(name.congestion) already",
        remedy: "choose another name")
    }
  }
}
