/// Times of decisions, read from an instance's counts as differences between two looks.
struct DecisionClock {
  private struct Seen {
    var count = 0.0
    var nanoseconds = 0.0
  }

  /// By the snapshot's version, which is never given twice: a slot's counts begin anew with its snapshot.
  private var seen: [UInt64: Seen] = [:]

  /// A slot's version, its timed decisions and their mean.
  typealias Reading = (version: UInt64, count: UInt64, mean: Double?)

  /// Decisions since the last look, and their mean time; nil when there were none.
  mutating func advance(_ slots: [Reading]) -> (count: Int, mean: Double)? {
    var total = Seen()
    for slot in slots {
      let now = Seen(count: Double(slot.count), nanoseconds: (slot.mean ?? 0) * Double(slot.count))
      let last = seen[slot.version] ?? Seen()
      total.count += max(0, now.count - last.count)
      total.nanoseconds += max(0, now.nanoseconds - last.nanoseconds)
      seen[slot.version] = now
    }
    let present = Set(slots.map(\.version))
    seen = seen.filter { present.contains($0.key) }
    return total.count > 0 ? (Int(total.count), total.nanoseconds / total.count) : nil
  }
}
