import Testing

@testable import MedullaDatapath

@Suite("slot table")
struct SlotTableTests {
  static let second: UInt64 = 1_000_000_000

  static func slot(version: UInt64, flows: UInt64 = 0, retired: UInt64 = 0) -> SlotTable.Slot {
    var slot = SlotTable.Slot()
    slot.version = version
    slot.flows = flows
    slot.retiredNanoseconds = retired
    return slot
  }

  @Test("a slot's state follows from its version, the active index and its flows")
  func states() {
    let table = SlotTable(
      slots: [Self.slot(version: 1), Self.slot(version: 2, flows: 3), Self.slot(version: 3, flows: 1)],
      active: 2)
    #expect(table.state(of: 0) == .standby)
    #expect(table.state(of: 1) == .draining)
    #expect(table.state(of: 2) == .active)
    #expect(table.state(of: 3) == .empty)
    #expect(table.flows == 4)
  }

  @Test("an active index that is no slot is none")
  func strangeIndex() {
    #expect(SlotTable(active: 8).active == nil)
    #expect(SlotTable(active: -1).active == nil)
  }

  @Test("an empty slot is written before a loaded one")
  func emptyFirst() {
    let table = SlotTable(slots: [Self.slot(version: 1), Self.slot(version: 2, retired: 1)], active: 0)
    #expect(table.writableSlot(keeping: nil, now: 100 * Self.second) == 2)
  }

  @Test("an empty slot that is named as active or as the candidate's is not written")
  func namedEmptySlots() {
    #expect(SlotTable(active: 0, staged: 1).writableSlot(keeping: nil, now: 0) == 2)
    #expect(SlotTable(active: 1, staged: 0).writableSlot(keeping: nil, now: 0) == 2)
  }

  @Test("of slots that were retired at one time the first is written")
  func ties() {
    let slots = (0..<8).map { Self.slot(version: UInt64($0 + 1), retired: Self.second) }
    let table = SlotTable(slots: slots, active: 0)
    #expect(table.writableSlot(keeping: nil, now: 100 * Self.second) == 1)
  }

  @Test("of loaded slots without flows the one that was retired first is written, the rollback's last")
  func oldestFirst() {
    var slots = (0..<8).map { Self.slot(version: UInt64($0 + 1), flows: 1, retired: Self.second) }
    slots[3] = Self.slot(version: 4, retired: 2 * Self.second)
    slots[5] = Self.slot(version: 6, retired: 3 * Self.second)
    let table = SlotTable(slots: slots, active: 0)
    #expect(table.writableSlot(keeping: nil, now: 100 * Self.second) == 3)
    #expect(table.writableSlot(keeping: 3, now: 100 * Self.second) == 5)
    slots[5].flows = 1
    #expect(SlotTable(slots: slots, active: 0).writableSlot(keeping: 3, now: 100 * Self.second) == 3)
  }

  @Test(
    "a slot with flows or within its grace period is not written", arguments: [0, 1, 999_999_999] as [UInt64])
  func grace(since: UInt64) {
    var slots = (0..<8).map { Self.slot(version: UInt64($0 + 1), flows: 1, retired: Self.second) }
    slots[3] = Self.slot(version: 4, retired: 50 * Self.second)
    let table = SlotTable(slots: slots, active: 0)
    #expect(table.writableSlot(keeping: nil, now: 50 * Self.second + since) == nil)
    #expect(table.writableSlot(keeping: nil, now: 51 * Self.second) == 3)
  }

  @Test("an empty slot that still holds a flow is not written")
  func heldEmptySlot() {
    var slots = (0..<8).map { Self.slot(version: UInt64($0 + 1), flows: 1) }
    slots[6] = Self.slot(version: 0, flows: 1)
    #expect(SlotTable(slots: slots, active: 0).writableSlot(keeping: nil, now: 100 * Self.second) == nil)
  }

  @Test("flows are overdue when their slot was retired longer ago than the limit, and no limit means never")
  func overdue() {
    let table = SlotTable(
      slots: [Self.slot(version: 1, flows: 2, retired: Self.second), Self.slot(version: 2, flows: 5)],
      active: 1)
    #expect(table.overdue(limit: 0, now: 1000 * Self.second) == [])
    #expect(table.overdue(limit: 10 * Self.second, now: 11 * Self.second) == [])
    #expect(table.overdue(limit: 10 * Self.second, now: 12 * Self.second) == [0])
    var moving = table
    moving.slots[0].isMoving = true
    #expect(moving.overdue(limit: 10 * Self.second, now: 12 * Self.second) == [])
  }
}
