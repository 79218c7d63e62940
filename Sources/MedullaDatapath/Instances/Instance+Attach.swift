import MedullaBase
import MedullaKernel

extension Instance {
  /// Loads, pins and attaches a function with its first snapshot; what an attempt that fails has pinned is
  /// removed.
  ///
  /// The link that makes it an instance is pinned last: until then the attachment ends with this process, so
  /// that no half of one can stay.
  ///
  /// - Throws: `wrongShape`, `alreadyAttached`, `badConfiguration`, `badFunction`, `missingProgram`;
  ///   `KernelError` from the verifier.
  @discardableResult
  package func attach<Function: DatapathFunction>(
    _ function: Function, _ snapshot: DatapathSnapshot, settings: InstanceSettings = InstanceSettings(),
    narrate: Narrator = { _ in }
  ) throws -> InstanceStatus {
    _ = try functions.function(named: Function.name)
    try settings.validate()
    try Function.sizes.check(snapshot, for: Function.name)
    let isMountedNow = try BPFFileSystem.ensureMounted()
    if isMountedNow { narrate("mounted the BPF file system at \(BPFFileSystem.mountPoint)") }
    do {
      return try place(function, snapshot, settings, narrate)
    } catch {
      // In use by now: somebody else found it mounted.
      if isMountedNow, (try? BPFFileSystem.unmount()) != nil { narrate("unmounted it again") }
      throw error
    }
  }

  private func place<Function: DatapathFunction>(
    _ function: Function, _ snapshot: DatapathSnapshot, _ settings: InstanceSettings, _ narrate: Narrator
  ) throws -> InstanceStatus {
    let lock = try FileLock()
    defer { _ = lock }
    try makeRoom(narrate)
    let function = try function.prepared(for: name, snapshot)
    // Other programs would stay on the program set that they began with.
    guard try !Function.isDispatched || Dispatcher.standsAtAll(function.hooks(of: name)) else {
      throw DatapathError(
        .badFunction, "\(Function.name) is dispatched and has a hook without the dispatcher")
    }
    guard settings.flowLimit == nil || Function.isDispatched else {
      throw DatapathError(.badConfiguration, "\(Function.name) keeps no table of flows")
    }
    let set = try function.load(
      snapshot, for: name,
      shared: .new(sampleBytes: settings.sampleBytes, flows: settings.flowLimit))
    try fill(set, snapshot, settings)
    let path = PinnedInstance.path(of: name)
    do {
      try BPFFileSystem.makeDirectory(path)
      let shared = try SharedMaps(of: set, names: SharedMaps.names(of: function))
      try shared.pin(at: path)
      try BPFMap(holding: FunctionRecord(of: function).pinned, name: "medulla_record")
        .pin(at: PinnedInstance.recordPath(of: name))
      try set.pin(at: PinnedInstance.generationPath(of: name, 1), except: Array(shared.maps.keys))
      if Function.isDispatched {
        try Dispatcher.begin(set, shared, at: path, follows: !settings.isConsistent)
      }
      for (pin, link) in try function.attach(set, as: name) { try link.pin(at: path + "/" + pin) }
    } catch {
      try? BPFFileSystem.removeTree(path)
      throw error
    }
    return try status()
  }

  private func makeRoom(_ narrate: Narrator) throws {
    if PinnedInstance.isAttached(name) {
      throw DatapathError(
        .alreadyAttached, "an instance \(name) is attached already",
        remedy: "`medulla update \(name) BUNDLE` changes its snapshot, `medulla detach \(name)` ends it")
    }
    let path = PinnedInstance.path(of: name)
    try BPFFileSystem.makeDirectory(BPFFileSystem.root)
    guard BPFFileSystem.exists(path) else { return }
    narrate("removed what an interrupted attach had left of \(name)")
    try BPFFileSystem.removeTree(path)
  }

  /// The first snapshot in the first slot, and the settings.
  private func fill(_ set: ProgramSet, _ snapshot: DatapathSnapshot, _ settings: InstanceSettings) throws {
    let control = try ControlBlock(set.map("medulla_control"))
    let now = MonotonicClock.nanoseconds
    control.fill(snapshot, generation: 1)
    try control.apply(settings)
    control.attachedNanoseconds = now
    try set.map("medulla_slots").set(words: snapshot.image, at: 0)
    control.describe(0, snapshot.identity, version: 1, now: now)
    control.nextVersion = 2
    control.active = 0
  }
}
