import MedullaBase
import Testing

@testable import MedullaDatapath

@Suite("router: candidates")
struct RouterStagingTests {
  static let first = Router.Place(generation: 1, slot: 0)
  static let second = Router.Place(generation: 1, slot: 1)

  static func staged(_ tag: UInt8 = 2) throws -> Router {
    var router = RouterTests.attached()
    _ = try router.stage(RouterTests.identity(tag), now: 5)
    return router
  }

  @Test("staging stores and names the slot, and leaves the active one as it is")
  func stage() throws {
    var router = RouterTests.attached()
    let actions = try router.stage(RouterTests.identity(2), now: 5)
    #expect(
      actions == [
        .store(Self.second, RouterTests.identity(2), version: 2, now: 5),
        .setStaged(generation: 1, slot: 1),
      ])
    #expect(router.activePlace == Self.first)
    #expect(router.staged == Self.second)
    #expect(router.generations[0].table.state(of: 1) == .staged)
  }

  @Test("a slot that is empty, or that is active, is no candidate, and a sweep says so")
  func noCandidate() throws {
    for (version, active) in [(UInt64(0), 0), (7, 1)] {
      var router = RouterTests.attached()
      router.generations[0].table.slots[1].version = version
      router.generations[0].table.active = active
      router.generations[0].table.staged = 1
      #expect(router.staged == nil)
      #expect(router.sweep(now: 1) == [.setStaged(generation: 1, slot: nil)])
      #expect(throws: DatapathError.self) { try router.promote(now: 2) }
    }
  }

  @Test("what is staged already is kept with its version")
  func again() throws {
    var router = try Self.staged()
    let before = router
    #expect(try router.stage(RouterTests.identity(2), now: 9) == [])
    #expect(router == before)
  }

  @Test("another candidate takes the place of the one before, in a slot of its own")
  func replaced() throws {
    var router = try Self.staged()
    let third = Router.Place(generation: 1, slot: 2)
    #expect(
      try router.stage(RouterTests.identity(3), now: 9) == [
        .setStaged(generation: 1, slot: nil), .retire(Self.second, now: 9),
        .store(third, RouterTests.identity(3), version: 3, now: 9), .setStaged(generation: 1, slot: 2),
      ])
    #expect(router.staged == third)
  }

  @Test("a promotion ends the candidacy, remembers the way back, retires and activates, in this order")
  func promote() throws {
    var router = try Self.staged()
    #expect(
      try router.promote(now: 7) == [
        .setStaged(generation: 1, slot: nil), .setPrevious(generation: 1, Self.first),
        .retire(Self.first, now: 7), .activate(Self.second),
      ])
    #expect(router.staged == nil)
    _ = try router.rollback(now: 9)
    #expect(router.activePlace == Self.first)
  }

  @Test("a candidate of another shape waits in its own program set, which no sweep removes")
  func otherShape() throws {
    var router = RouterTests.attached()
    let actions = try router.stage(RouterTests.identity(2, shape: 9), now: 5)
    #expect(actions.first == .load(generation: 2))
    #expect(router.current == 1)
    #expect(router.sweep(now: 6).contains(.remove(generation: 2)) == false)
    let promotion = try router.promote(now: 7)
    #expect(promotion.contains(.point(generation: 2)))
    #expect(router.current == 2)
  }

  @Test("a candidate that is given up frees its slot after the grace period, and its program set at once")
  func discard() throws {
    var router = try Self.staged()
    #expect(
      try router.discard(now: 7) == [.setStaged(generation: 1, slot: nil), .retire(Self.second, now: 7)])
    #expect(router.generations[0].table.state(of: 1) == .standby)
    var other = RouterTests.attached()
    _ = try other.stage(RouterTests.identity(2, shape: 9), now: 5)
    _ = try other.discard(now: 7)
    #expect(other.sweep(now: 8).contains(.remove(generation: 2)))
  }

  @Test("nothing can be promoted or given up when nothing is staged")
  func nothing() {
    var router = RouterTests.attached()
    let promotion = #expect(throws: DatapathError.self) { try router.promote(now: 7) }
    #expect(promotion?.code == .nothingStaged)
    #expect(throws: DatapathError.self) { try router.discard(now: 7) }
  }

  @Test("an update while a candidate waits takes another slot and leaves the candidate")
  func updateBeside() throws {
    var router = try Self.staged()
    _ = try router.install(RouterTests.identity(3), now: 9)
    #expect(router.activePlace == Router.Place(generation: 1, slot: 2))
    #expect(router.staged == Self.second)
  }

  @Test("no free slot is an error that keeps the candidate of before")
  func full() throws {
    var slots = (0..<8).map { SlotTableTests.slot(version: UInt64($0 + 1), flows: 1) }
    slots[3] = SlotTableTests.slot(version: 4)
    let table = SlotTable(slots: slots, active: 0, staged: 3)
    var router = Router(
      generations: [Router.Generation(number: 1, shape: [0], table: table)], current: 1, nextVersion: 9)
    let before = router
    let error = #expect(throws: DatapathError.self) {
      try router.stage(RouterTests.identity(9), now: 100 * RouterTests.second)
    }
    #expect(error?.code == .noFreeSlot)
    #expect(router == before)
  }

  @Test("many rejected candidates leave the way back as it is")
  func wayBackStays() throws {
    var router = RouterTests.attached()
    _ = try router.install(RouterTests.identity(2), now: RouterTests.second)
    for tag in 3...40 as ClosedRange<UInt8> {
      let now = UInt64(tag) * 2 * RouterTests.second
      _ = try router.stage(RouterTests.identity(tag), now: now)
      _ = try router.discard(now: now + 1)
    }
    #expect(router.previous == Self.first)
    #expect(router.slot(at: Self.first)?.version == 1)
    _ = try router.rollback(now: 100 * RouterTests.second)
    #expect(router.activePlace == Self.first)
  }

  @Test("a candidate that finds no other slot takes that of the way back, which ends first")
  func wayBackTaken() throws {
    var slots = (0..<8).map { SlotTableTests.slot(version: UInt64($0 + 1), flows: 1) }
    slots[3] = SlotTableTests.slot(version: 4)
    var router = Router(
      generations: [Router.Generation(number: 1, shape: [0], table: SlotTable(slots: slots, active: 0))],
      current: 1, previous: Router.Place(generation: 1, slot: 3), nextVersion: 9)
    let now = 100 * RouterTests.second
    let place = Router.Place(generation: 1, slot: 3)
    #expect(
      try router.stage(RouterTests.identity(9), now: now) == [
        .setPrevious(generation: 1, nil), .store(place, RouterTests.identity(9), version: 9, now: now),
        .setStaged(generation: 1, slot: 3),
      ])
    let error = #expect(throws: DatapathError.self) { try router.rollback(now: now) }
    #expect(error?.code == .nothingToRollBackTo)
  }

  @Test("of two candidates that a dead command has left the newer one counts, and the sweep ends the other")
  func two() {
    let old = SlotTable(
      slots: [SlotTableTests.slot(version: 1), SlotTableTests.slot(version: 2)], active: 0, staged: 1)
    let new = SlotTable(slots: [SlotTableTests.slot(version: 3)], staged: 0)
    var router = Router(
      generations: [
        Router.Generation(number: 1, shape: [0], table: old),
        Router.Generation(number: 2, shape: [9], table: new, leftNanoseconds: 1),
      ], current: 1, nextVersion: 4)
    #expect(router.staged == Router.Place(generation: 2, slot: 0))
    #expect(router.sweep(now: 9) == [.setStaged(generation: 1, slot: nil)])
  }

  @Test(
    "over many random events no candidate is active, and none is written while it waits", arguments: [1, 2])
  func random(seed: UInt64) {
    var generator = SeededGenerator(seed: seed)
    var router = RouterTests.attached()
    var now = RouterTests.second
    for step in 0..<2_000 {
      now += generator.next() % (2 * RouterTests.second)
      let before = router
      var actions = router.sweep(now: now)
      let identity = RouterTests.identity(
        UInt8(truncatingIfNeeded: step), shape: UInt8(generator.next() % 2))
      switch generator.next() % 5 {
      case 0: actions += (try? router.promote(now: now)) ?? []
      case 1: actions += (try? router.discard(now: now)) ?? []
      case 2: actions += (try? router.rollback(now: now)) ?? []
      case 3: actions += (try? router.install(identity, now: now)) ?? []
      default: actions += (try? router.stage(identity, now: now)) ?? []
      }
      for case .store(let place, _, _, _) in actions {
        #expect(place != before.activePlace && place != before.staged, "seed \(seed), step \(step)")
      }
      #expect(RouterTests.storesOverWayBack(actions, of: before) == [], "seed \(seed), step \(step)")
      #expect(router.staged == nil || router.staged != router.activePlace, "seed \(seed), step \(step)")
      #expect(router.activePlace.flatMap { router.slot(at: $0) }?.version ?? 0 > 0, "seed \(seed)")
      #expect(router.generations.count <= Router.generationLimit)
    }
  }
}
