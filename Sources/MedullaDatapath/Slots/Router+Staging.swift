/// A candidate waits in a slot that no flow takes, until it is promoted or given up.
extension Router {
  /// Where the candidate is: the newest, should a command have died while it replaced one by another.
  package var staged: Place? {
    let places = generations.compactMap { generation in
      generation.table.staged.map { Place(generation: generation.number, slot: $0) }
    }
    return places.filter(isCandidate).max { version(at: $0) < version(at: $1) }
  }

  /// Puts a snapshot into a free slot without making it active; what was staged before is given up.
  package mutating func stage(_ snapshot: Identity, now: UInt64) throws(DatapathError) -> [Action] {
    if let staged, slot(at: staged)?.digest == snapshot.digest { return [] }
    var next = self
    let givenUp = next.giveUp(now: now)
    let (place, stored) = try next.store(snapshot, now: now)
    self = next
    return givenUp + stored + [setStaged(place.generation, place.slot)]
  }

  /// Makes the candidate active; what was active before is the way back.
  package mutating func promote(now: UInt64) throws(DatapathError) -> [Action] {
    guard let place = staged else { throw Self.nothingStaged }
    // First the end of its being a candidate: a process that dies here leaves all as it was but for that.
    return [setStaged(place.generation, nil)] + makeActive(place, now: now)
  }

  package mutating func discard(now: UInt64) throws(DatapathError) -> [Action] {
    guard staged != nil else { throw Self.nothingStaged }
    return giveUp(now: now)
  }

  /// Candidates that are none: of a slot that is active or empty, and all but the newest.
  mutating func settleStaged() -> [Action] {
    let kept = staged
    let numbers = generations.filter { $0.table.staged != nil && $0.number != kept?.generation }.map(\.number)
    return numbers.map { setStaged($0, nil) }
  }

  /// Its slot counts as retired, so that an inference of its shadow that is under way has ended before the
  /// slot is written again.
  private mutating func giveUp(now: UInt64) -> [Action] {
    guard let place = staged else { return [] }
    update(place.generation) { $0.slots[place.slot].retiredNanoseconds = now }
    return [setStaged(place.generation, nil), .retire(place, now: now)]
  }

  private mutating func setStaged(_ generation: Int, _ slot: Int?) -> Action {
    update(generation) { $0.staged = slot }
    return .setStaged(generation: generation, slot: slot)
  }

  private func isCandidate(_ place: Place) -> Bool {
    version(at: place) > 0 && table(place.generation)?.active != place.slot
  }

  private func version(at place: Place) -> UInt64 { slot(at: place)?.version ?? 0 }

  private static var nothingStaged: DatapathError {
    DatapathError(.nothingStaged, "no snapshot is staged", remedy: "stage one first")
  }
}
