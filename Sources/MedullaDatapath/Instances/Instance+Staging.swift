import MedullaKernel

/// The slow path's side of an instance: samples up, candidates down.
extension Instance {
  /// How many decisions go up as samples.
  ///
  /// - Parameter every: 0 for none, 1 for each, n for every n-th of each flow.
  package func setSampling(every: Int) throws {
    let value = try Sampling.every(every)
    try configure { $0.sampleEvery = value }
  }

  /// Whether a flow keeps its snapshot for its life (the default), or takes the active one at its next
  /// packet.
  package func setConsistency(_ isConsistent: Bool) throws {
    try configure { $0.follows = !isConsistent }
  }

  /// How long flows may stay on a snapshot that is no longer active; nil: as long as they live.
  package func setDrainLimit(_ limit: Duration?) throws {
    let settings = InstanceSettings(drainLimit: limit)
    try settings.validate()
    try configure { $0.drainLimitNanoseconds = settings.drainLimitNanoseconds }
  }

  /// Writes a snapshot into a standby slot, where it waits; one that was staged before is given up.
  ///
  /// - Returns: its version. A snapshot that is staged already keeps the one that it has.
  @discardableResult
  package func stage(_ snapshot: DatapathSnapshot) throws -> UInt64 {
    var version: UInt64 = 0
    try change { router, now throws in
      let actions = try router.stage(snapshot.identity, now: now)
      version = router.staged.flatMap { router.slot(at: $0)?.version } ?? 0
      return actions
    } snapshot: {
      snapshot
    }
    return version
  }

  /// Lets the staged snapshot infer beside the active one on every n-th decision, without acting; nil ends
  /// it.
  ///
  /// Its counts begin at 0 when the snapshot is staged.
  package func setShadow(every: Int?) throws {
    let value = try Sampling.every(every ?? 0)
    let lock = try FileLock()
    defer { _ = lock }
    let instance = try pinned()
    let current = try instance.current()
    guard value > 0 else { return current.control.shadowEvery = 0 }
    guard let staged = try instance.router().staged else {
      throw DatapathError(.nothingStaged, "no snapshot of \(name) is staged", remedy: "stage one first")
    }
    guard staged.generation == current.number else {
      throw DatapathError(
        .wrongShape, "the staged snapshot of \(name) has another shape than the active one",
        remedy: "only a snapshot of the same shape can infer beside it; promote it, or stage another")
    }
    current.control.shadowEvery = value
  }

  /// Makes the staged snapshot active; `rollback` goes back.
  @discardableResult
  package func promote() throws -> InstanceStatus {
    try change { router, now in try router.promote(now: now) }
  }

  /// Gives the staged snapshot up.
  package func discard() throws {
    try change { router, now in try router.discard(now: now) }
  }

  /// Changes the control block of every program set.
  private func configure(_ set: (ControlBlock) -> Void) throws {
    let lock = try FileLock()
    defer { _ = lock }
    let instance = try pinned()
    _ = try instance.current()
    for generation in instance.generations { set(generation.control) }
    try instance.settleRoute(isAlone: instance.dispatcher()?.route.isAlone ?? false)
  }
}
