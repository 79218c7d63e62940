/// The last change of an instance's active snapshot: an update, a promotion, or a rollback.
package struct ActiveChange: Sendable, Equatable {
  /// Active now, and what was so before: newer than it after a rollback.
  package let version: UInt64
  package let before: UInt64
  /// Of the monotonic clock, which stamps samples too.
  package let nanoseconds: UInt64

  package init(version: UInt64, before: UInt64, nanoseconds: UInt64) {
    self.version = version
    self.before = before
    self.nanoseconds = nanoseconds
  }

  /// nil: nothing was active before, or it has been overwritten.
  init?(_ router: Router) {
    guard let active = router.activePlace, let version = router.slot(at: active)?.version,
      let previous = router.previous, let slot = router.slot(at: previous), slot.version > 0
    else { return nil }
    self.init(version: version, before: slot.version, nanoseconds: slot.retiredNanoseconds)
  }
}

extension Instance {
  /// When the active snapshot became so; nil when no other was before it.
  package func lastChange() throws -> ActiveChange? {
    ActiveChange(try pinned().router())
  }

  /// Makes new flows take the snapshot that was active before `expected`, and only then: whoever decides by
  /// what a snapshot did must not undo the change that someone else made meanwhile.
  ///
  /// - Returns: the version that is active now.
  /// - Throws: `changedMeanwhile` when another version than `expected` is active.
  package func rollback(from expected: UInt64) throws -> UInt64 {
    var version: UInt64 = 0
    try change { router, now in
      let active = router.activePlace.flatMap { router.slot(at: $0)?.version } ?? 0
      guard active == expected else {
        throw DatapathError(
          .changedMeanwhile,
          "version \(active) of \(name) is active, not \(expected) that was to be rolled back",
          remedy: "see `medulla status`; roll back by hand when it is still wanted")
      }
      let actions = try router.rollback(now: now)
      version = router.activePlace.flatMap { router.slot(at: $0)?.version } ?? 0
      return actions
    }
    return version
  }
}
