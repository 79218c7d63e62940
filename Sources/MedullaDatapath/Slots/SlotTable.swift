import CMedullaABI

/// The slots of one program set, as a value: what is loaded, what is active, what may be written.
///
/// No clock, no map: times come in as nanoseconds of the monotonic clock, flow counts as the kernel has
/// them, and the caller carries out the actions.
package struct SlotTable: Equatable, Sendable {
  package static let capacity = Int(MEDULLA_SLOTS)
  /// A slot is written again only when it was retired this long ago: a flow that read the active index just
  /// before the swap has counted itself by then.
  package static let graceNanoseconds: UInt64 = 1_000_000_000

  package enum State: String, Equatable, Sendable, Codable {
    case empty
    /// Loaded, with no flows.
    case standby
    /// A candidate: loaded, and waiting to be made active or given up.
    case staged
    /// Taken by new flows.
    case active
    /// No longer taken; its flows stay until they end.
    case draining
  }

  package struct Slot: Equatable, Sendable {
    /// 0: empty.
    package var version: UInt64 = 0
    package var digest: [UInt8] = []
    package var name = ""
    package var loadedNanoseconds: UInt64 = 0
    /// When it was last active; 0 when it never was.
    package var retiredNanoseconds: UInt64 = 0
    /// Its flows go to the active slot.
    package var isMoving = false
    package var flows: UInt64 = 0

    package init() {}
  }

  package var slots: [Slot]
  package var active: Int?
  package var staged: Int?

  package init(slots: [Slot] = [], active: Int? = nil, staged: Int? = nil) {
    self.slots = Array(slots.prefix(Self.capacity))
    while self.slots.count < Self.capacity { self.slots.append(Slot()) }
    self.active = active.flatMap { (0..<Self.capacity).contains($0) ? $0 : nil }
    self.staged = staged.flatMap { (0..<Self.capacity).contains($0) ? $0 : nil }
  }

  package var flows: UInt64 { slots.reduce(0) { $0 &+ $1.flows } }

  package func state(of index: Int) -> State {
    if slots[index].version == 0 { return .empty }
    if index == active { return .active }
    if index == staged { return .staged }
    return slots[index].flows > 0 ? .draining : .standby
  }

  /// A slot that may be written now: an empty one, else the standby one that was retired first.
  ///
  /// - Parameter kept: a slot that a rollback would want; taken only when nothing else is free.
  package func writableSlot(keeping kept: Int?, now: UInt64) -> Int? {
    if let empty = slots.indices.first(where: {
      $0 != active && $0 != staged && slots[$0].version == 0 && slots[$0].flows == 0
    }) {
      return empty
    }
    let free = slots.indices.filter { index in
      state(of: index) == .standby && hasPassedGrace(index, now: now)
    }
    let byAge = free.sorted { slots[$0].retiredNanoseconds < slots[$1].retiredNanoseconds }
    return byAge.first { $0 != kept } ?? byAge.first
  }

  /// Slots whose flows have stayed longer than the limit allows and are not moving yet.
  package func overdue(limit: UInt64, now: UInt64) -> [Int] {
    guard limit > 0 else { return [] }
    return slots.indices.filter { index in
      let slot = slots[index]
      return state(of: index) == .draining && !slot.isMoving && now > slot.retiredNanoseconds
        && now - slot.retiredNanoseconds > limit
    }
  }

  private func hasPassedGrace(_ index: Int, now: UInt64) -> Bool {
    let last = max(slots[index].retiredNanoseconds, slots[index].loadedNanoseconds)
    return now > last && now - last >= Self.graceNanoseconds
  }
}
