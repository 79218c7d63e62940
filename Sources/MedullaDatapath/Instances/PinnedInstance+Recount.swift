import CMedullaABI
import Glibc
import MedullaKernel

extension PinnedInstance {
  /// How long a count that differs from the flows must stay as it is before it is taken for wrong. Between a
  /// flow's count and its memory are microseconds.
  private static let quietMicroseconds: UInt32 = 20_000

  /// Sets right the counts of slots that wait for their flows to end.
  ///
  /// A flow whose end no program counted would hold its slot for ever. Only slots that no flow takes any more
  /// are looked at, and only a difference that stays while nothing comes or goes is believed.
  func recount(now: UInt64) throws {
    for generation in generations {
      let waiting = try waiting(generation, now: now)
      guard !waiting.isEmpty else { continue }
      let first = try waiting.map { try generation.flowCounts.counted(of: generation.pin(of: $0)) }
      guard let seen = try function.recount(generation) else { continue }
      guard try waiting.contains(where: { try generation.flows(of: $0).held != seen[$0, default: 0] }) else {
        continue
      }
      usleep(Self.quietMicroseconds)
      guard let again = try function.recount(generation) else { continue }
      for (slot, before) in zip(waiting, first) where seen[slot] == again[slot] {
        let pin = generation.pin(of: slot)
        let counts = try generation.flowCounts.counted(of: pin)
        guard (counts.held, counts.taken, counts.moved) == (before.held, before.taken, before.moved) else {
          continue
        }
        let lost = Int64(bitPattern: counts.held) &- Int64(seen[slot, default: 0])
        if lost != generation.flowCounts.lost(of: pin) { generation.flowCounts.setLost(lost, of: pin) }
      }
    }
  }

  /// Slots with flows that no new flow takes: retired long enough ago, or of a program set that was left.
  private func waiting(_ generation: PinnedGeneration, now: UInt64) throws -> [Int] {
    let table = try generation.table()
    let left = generation.control.leftNanoseconds
    return table.slots.indices.filter { index in
      let slot = table.slots[index]
      let since = index == table.active ? left : max(left, slot.retiredNanoseconds)
      return slot.version > 0 && slot.flows > 0 && since > 0 && now > since
        && now - since >= SlotTable.graceNanoseconds
    }
  }
}
