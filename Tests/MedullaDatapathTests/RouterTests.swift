import MedullaBase
import Testing

@testable import MedullaDatapath

@Suite("router")
struct RouterTests {
  static let second: UInt64 = 1_000_000_000

  static func identity(_ tag: UInt8, shape: UInt8 = 0) -> Router.Identity {
    Router.Identity(digest: [tag], shape: [shape], name: "net-\(tag)")
  }

  /// One program set with snapshot 1 active in slot 0.
  static func attached() -> Router {
    let table = SlotTable(slots: [SlotTableTests.slot(version: 1)], active: 0)
    return Router(
      generations: [Router.Generation(number: 1, shape: [0], table: table)], current: 1, nextVersion: 2)
  }

  @Test("an update of the same shape stores, remembers the way back, retires and activates, in this order")
  func sameShape() throws {
    var router = Self.attached()
    let first = Router.Place(generation: 1, slot: 0)
    let second = Router.Place(generation: 1, slot: 1)
    let actions = try router.install(Self.identity(2), now: 5)
    #expect(
      actions == [
        .store(second, Self.identity(2), version: 2, now: 5), .setPrevious(generation: 1, first),
        .retire(first, now: 5), .activate(second),
      ])
    #expect(router.activePlace == second)
    #expect(router.previous == first)
    #expect(router.nextVersion == 3)
  }

  @Test("an update of another shape points the link, then the old program set loses the name")
  func otherShape() throws {
    var router = Self.attached()
    let first = Router.Place(generation: 1, slot: 0)
    let other = Router.Place(generation: 2, slot: 0)
    let actions = try router.install(Self.identity(2, shape: 9), now: 5)
    #expect(
      actions == [
        .load(generation: 2), .store(other, Self.identity(2, shape: 9), version: 2, now: 5),
        .setPrevious(generation: 2, first), .retire(first, now: 5), .activate(other),
        .setRetired(generation: 2, false), .leave(generation: 2, at: nil), .point(generation: 2),
        .leave(generation: 1, at: 5),
      ])
    #expect(router.current == 2)
  }

  @Test("a rollback goes back without storing anything, and a second one comes forward again")
  func rollback() throws {
    var router = Self.attached()
    _ = try router.install(Self.identity(2), now: 5)
    let first = Router.Place(generation: 1, slot: 0)
    let second = Router.Place(generation: 1, slot: 1)
    #expect(
      try router.rollback(now: 7) == [
        .setPrevious(generation: 1, second), .retire(second, now: 7), .activate(first),
      ])
    #expect(router.activePlace == first)
    _ = try router.rollback(now: 9)
    #expect(router.activePlace == second)
  }

  @Test("a rollback over shapes points the link back")
  func rollbackOverShapes() throws {
    var router = Self.attached()
    _ = try router.install(Self.identity(2, shape: 9), now: 5)
    let actions = try router.rollback(now: 7)
    #expect(actions.suffix(2) == [.point(generation: 1), .leave(generation: 2, at: 7)])
    #expect(router.activePlace == Router.Place(generation: 1, slot: 0))
    #expect(router.previous == Router.Place(generation: 2, slot: 0))
  }

  @Test("there is nothing to roll back to before the first update")
  func noRollback() {
    var router = Self.attached()
    #expect(throws: DatapathError.self) { try router.rollback(now: 7) }
  }

  @Test("a way back whose slot is empty leads nowhere")
  func emptyWayBack() {
    var router = Self.attached()
    router.previous = Router.Place(generation: 1, slot: 3)
    let error = #expect(throws: DatapathError.self) { try router.rollback(now: 7) }
    #expect(error?.code == .nothingToRollBackTo)
  }

  @Test("an update when every slot has flows is refused and changes nothing")
  func full() {
    let slots = (0..<8).map { SlotTableTests.slot(version: UInt64($0 + 1), flows: 1) }
    var router = Router(
      generations: [Router.Generation(number: 1, shape: [0], table: SlotTable(slots: slots, active: 7))],
      current: 1, nextVersion: 9)
    let before = router
    let error = #expect(throws: DatapathError.self) { try router.install(Self.identity(9), now: 100) }
    #expect(error?.code == .noFreeSlot)
    #expect(router == before)
  }

  @Test("no more program sets than the limit are loaded")
  func fullGenerations() {
    let table = SlotTable(slots: [SlotTableTests.slot(version: 1, flows: 1)], active: 0)
    var router = Router(
      generations: (1...4).map { Router.Generation(number: $0, shape: [UInt8($0)], table: table) }, current: 4
    )
    let error = #expect(throws: DatapathError.self) {
      try router.install(Self.identity(9, shape: 77), now: 100)
    }
    #expect(error?.code == .noFreeGeneration)
  }

  @Test("a snapshot whose shape an older program set still has goes there")
  func reusedGeneration() throws {
    var router = Self.attached()
    _ = try router.install(Self.identity(2, shape: 9), now: 5)
    let actions = try router.install(Self.identity(3), now: 6)
    #expect(!actions.contains(.load(generation: 3)))
    #expect(actions.contains(.point(generation: 1)))
    #expect(router.activePlace == Router.Place(generation: 1, slot: 1))
  }

  @Test("a sweep gives the name to the set that the link points at and takes it from the others, once")
  func names() {
    let table = SlotTable(slots: [SlotTableTests.slot(version: 1, flows: 1)], active: 0)
    var router = Router(
      generations: [(1, UInt64(0)), (2, 3), (3, 4)].map { number, left in
        Router.Generation(number: number, shape: [UInt8(number)], table: table, leftNanoseconds: left)
      }, current: 2)
    #expect(router.sweep(now: 9) == [.leave(generation: 1, at: 9), .leave(generation: 2, at: nil)])
    #expect(router.generations.map(\.leftNanoseconds) == [9, 0, 4])
    #expect(router.sweep(now: 10) == [])
  }

  @Test(
    "the way back keeps its slot only in its own program set",
    arguments: [(1, 1), (2, 0)])
  func keptSlot(wayBack: Int, taken: Int) throws {
    // All slots of set 1 are used, slot 0 retired first; set 2 is current.
    let slots = (0..<8).map { SlotTableTests.slot(version: UInt64($0 + 1), retired: UInt64($0 + 1)) }
    let other = SlotTable(slots: [SlotTableTests.slot(version: 9)], active: 0)
    var router = Router(
      generations: [
        Router.Generation(number: 1, shape: [0], table: SlotTable(slots: slots, active: 7)),
        Router.Generation(number: 2, shape: [9], table: other),
      ], current: 2, previous: Router.Place(generation: wayBack, slot: 0), nextVersion: 10)
    _ = try router.install(Self.identity(3), now: 10 * Self.second)
    #expect(router.activePlace == Router.Place(generation: 1, slot: taken))
  }

  /// Where actions store while a rollback would go there.
  static func storesOverWayBack(_ actions: [Router.Action], of before: Router) -> [Router.Place] {
    var wayBack = before.previous
    var places: [Router.Place] = []
    for action in actions {
      switch action {
      case .setPrevious(_, let place): wayBack = place
      case .store(let place, _, _, _) where place == wayBack: places.append(place)
      default: break
      }
    }
    return places
  }

  @Test("a program set without flows goes unless it is current or the way back")
  func removal() throws {
    var router = Self.attached()
    _ = try router.install(Self.identity(2, shape: 9), now: 5)
    #expect(router.sweep(now: 6) == [])
    _ = try router.install(Self.identity(3, shape: 8), now: 7)
    // A flow that was on its way when it lost the name is counted by then.
    #expect(router.sweep(now: 8) == [])
    #expect(router.sweep(now: 5 + Self.second) == [.remove(generation: 1)])
    #expect(router.generations.map(\.number) == [2, 3])
  }

  @Test("no program set gets the row of another, nor one that flows still hold")
  func rows() throws {
    let rows = Router.rowCount
    let cases: [(alive: [Int], held: Set<Int>, number: Int?)] = [
      ([1], [], 2), ([1], [1], 2), ([1, 2], [], 3), ([1], [2, 3], 4),
      // Rows come round: 17 has the row of 1.
      ([1, 16], [], 18), ([2, 17], [], 19), ([2, 16], [1], 19), ([1], Set(0..<rows), nil),
    ]
    for (alive, held, number) in cases {
      var router = Self.attached()
      router.generations = alive.enumerated().map { index, number in
        Router.Generation(
          number: number, shape: [UInt8(index)], table: router.generations[0].table,
          leftNanoseconds: number == alive.last ? 0 : 1)
      }
      router.current = alive.last ?? 0
      router.heldRows = held
      guard let number else {
        let error = #expect(throws: DatapathError.self) {
          try router.install(Self.identity(2, shape: 99), now: 5)
        }
        #expect(error?.code == .noFreeGeneration)
        continue
      }
      let actions = try router.install(Self.identity(2, shape: 99), now: 5)
      #expect(actions.first == .load(generation: number), "\(alive) \(held)")
      #expect(!held.contains(Router.row(of: number)))
    }
  }

  @Test("a program set is alone when no other has flows, or may still be sent any")
  func alone() throws {
    var router = Self.attached()
    #expect(router.isAlone(now: 1))
    _ = try router.stage(Self.identity(2, shape: 9), now: 2)
    // Nothing was ever sent to it.
    #expect(router.isAlone(now: 3))
    _ = try router.promote(now: 5)
    #expect(!router.isAlone(now: 6))
    #expect(router.isAlone(now: 5 + Self.second))
    router.generations[0].table.slots[0].flows = 1
    #expect(!router.isAlone(now: 9 * Self.second))
    router.generations[0].table.slots[0].flows = 0
    _ = try router.rollback(now: 10 * Self.second)
    #expect(!router.isAlone(now: 10 * Self.second))
  }

  @Test("a program set that never lost the name, or lost it just now by another's clock, may be sent flows")
  func mayBeSent() {
    let table = SlotTable(slots: [SlotTableTests.slot(version: 1)], active: 0)
    for left in [0, 10 * Self.second] {
      let router = Router(
        generations: [
          Router.Generation(number: 1, shape: [0], table: table, leftNanoseconds: left),
          Router.Generation(number: 2, shape: [1], table: table),
        ], current: 2)
      #expect(!router.isAlone(now: 5 * Self.second))
    }
  }

  @Test("a program set with flows stays until its last flow ends")
  func draining() throws {
    var router = Self.attached()
    router.generations[0].table.slots[0].flows = 2
    _ = try router.install(Self.identity(2, shape: 9), now: 5)
    _ = try router.install(Self.identity(3, shape: 8), now: 7)
    #expect(router.sweep(now: 8 * Self.second) == [])
    router.generations[0].table.slots[0].flows = 0
    #expect(router.sweep(now: 9 * Self.second) == [.remove(generation: 1)])
  }

  @Test("past the drain limit flows of old slots move, and whole old program sets retire")
  func drainLimit() throws {
    var router = Self.attached()
    router.drainLimitNanoseconds = 10 * Self.second
    router.generations[0].table.slots[0].flows = 2
    _ = try router.install(Self.identity(2), now: Self.second)
    #expect(router.sweep(now: 5 * Self.second) == [])
    let place = Router.Place(generation: 1, slot: 0)
    #expect(router.sweep(now: 20 * Self.second) == [.setMoving(place, true), .drain(generation: 1)])
    _ = try router.install(Self.identity(3, shape: 9), now: 21 * Self.second)
    #expect(router.sweep(now: 22 * Self.second) == [])
    #expect(router.sweep(now: 40 * Self.second) == [.setRetired(generation: 1, true)])
  }

  @Test(
    "a program set retires when the limit has passed and it has flows, not at the limit nor without flows")
  func retirement() {
    func sweep(flows: UInt64, now: UInt64) -> [Router.Action] {
      let old = SlotTable(
        slots: [SlotTableTests.slot(version: 1, flows: flows, retired: Self.second)], active: 0)
      let new = SlotTable(slots: [SlotTableTests.slot(version: 2)], active: 0)
      var router = Router(
        generations: [
          Router.Generation(number: 1, shape: [0], table: old, leftNanoseconds: Self.second),
          Router.Generation(number: 2, shape: [1], table: new),
        ], current: 2, previous: Router.Place(generation: 1, slot: 0),
        drainLimitNanoseconds: 10 * Self.second)
      return router.sweep(now: now)
    }
    #expect(sweep(flows: 1, now: 11 * Self.second) == [])
    #expect(sweep(flows: 1, now: 11 * Self.second + 1) == [.setRetired(generation: 1, true)])
    #expect(sweep(flows: 0, now: 60 * Self.second) == [])
  }

  @Test("a slot that is moving its flows away stops doing so when it becomes active again")
  func activeAgain() throws {
    var router = Self.attached()
    _ = try router.install(Self.identity(2), now: 5)
    router.generations[0].table.slots[0].isMoving = true
    let place = Router.Place(generation: 1, slot: 0)
    #expect(try router.rollback(now: 7).first == .setMoving(place, false))
  }

  @Test(
    "over many random events an active slot is never written and no slot with flows is", arguments: [1, 2, 3])
  func random(seed: UInt64) {
    var generator = SeededGenerator(seed: seed)
    var router = Self.attached()
    var now = Self.second
    for _ in 0..<2_000 {
      now += generator.next() % (2 * Self.second)
      for generation in router.generations.indices {
        for slot in 0..<SlotTable.capacity where router.generations[generation].table.slots[slot].version > 0
        {
          router.generations[generation].table.slots[slot].flows = generator.next() % 3 == 0 ? 1 : 0
        }
      }
      let before = router
      var actions = router.sweep(now: now)
      if generator.next() % 3 == 0 {
        actions += (try? router.rollback(now: now)) ?? []
      } else {
        let shape = UInt8(generator.next() % 3)
        actions +=
          (try? router.install(Self.identity(UInt8(truncatingIfNeeded: now), shape: shape), now: now)) ?? []
      }
      for case .store(let place, _, _, _) in actions {
        #expect(place != before.activePlace, "seed \(seed)")
        #expect(before.slot(at: place)?.flows ?? 0 == 0, "seed \(seed)")
      }
      #expect(Self.storesOverWayBack(actions, of: before) == [], "seed \(seed)")
      #expect(
        router.activePlace.flatMap { router.slot(at: $0) }.map { $0.version > 0 } == true, "seed \(seed)")
      #expect(router.generations.count <= Router.generationLimit, "seed \(seed)")
    }
  }
}
