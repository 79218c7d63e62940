import MedullaKernel

/// The way of a new instance into the kernel, the same for each kind.
struct Attachment {
  let name: InstanceName
  /// The program of a custom function; nil for the congestion control.
  var function: String?

  /// Loads, pins and attaches; what an attempt that fails has pinned is removed.
  ///
  /// - Parameters:
  ///   - make: loads the object and fills its control block but for the snapshot.
  ///   - pin: pins what the kind has beside its first program set.
  ///   - attach: the last step; until its link is pinned the attachment ends with this process, so that no
  /// half     of one can stay.
  func make(
    narrate: CongestionControl.Narration, _ make: () throws -> BPFObject, snapshot: () -> DatapathSnapshot,
    pin: (String) throws -> Void = { _ in }, attach: (BPFObject) throws -> BPFLink
  ) throws -> CongestionStatus {
    if try BPFFileSystem.ensureMounted() {
      narrate("mounted the BPF file system at \(BPFFileSystem.mountPoint)")
    }
    let lock = try FileLock()
    defer { _ = lock }
    if AttachedInstance.isAttached(name) {
      throw DatapathError(
        .alreadyAttached, "an instance \(name) is attached already",
        remedy: "`medulla update \(name) BUNDLE` changes its snapshot, `medulla detach \(name)` ends it")
    }
    let path = AttachedInstance.path(of: name)
    try BPFFileSystem.makeDirectory(BPFFileSystem.root)
    if BPFFileSystem.exists(path) {
      narrate("removed what an interrupted attach had left of \(name)")
      try BPFFileSystem.removeTree(path)
    }
    let object = try make()
    let control = try ControlBlock(object.loadedMap("medulla_control"))
    let now = monotonicNanoseconds()
    let snapshot = snapshot()
    control.attachedNanoseconds = now
    try object.loadedMap("medulla_slots").set(words: snapshot.image, at: 0)
    control.describe(0, snapshot.identity, version: 1, now: now)
    control.nextVersion = 2
    control.active = 0
    do {
      try BPFFileSystem.makeDirectory(path)
      try SharedMaps(of: object).pin(at: path)
      try pin(path)
      try PinnedGeneration.pin(
        object, at: AttachedInstance.generationPath(of: name, 1), function: function)
      try attach(object).pin(at: AttachedInstance.linkPath(of: name))
    } catch {
      try? BPFFileSystem.removeTree(path)
      throw error
    }
    return try CongestionStatus(AttachedInstance(name))
  }
}
