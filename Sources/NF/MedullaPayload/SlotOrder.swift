/// Slots in the order in which they were put, each at most once; taken out from anywhere.
struct SlotOrder {
  private var links: ContiguousArray<(earlier: Int32, later: Int32)>
  private(set) var first: Int32 = -1
  private var last: Int32 = -1

  init(slots: Int) { links = ContiguousArray(repeating: (-1, -1), count: slots) }

  var storageBytes: Int { links.capacity * 8 }

  mutating func append(_ slot: Int) {
    links[slot] = (last, -1)
    if last >= 0 { links[Int(last)].later = Int32(slot) } else { first = Int32(slot) }
    last = Int32(slot)
  }

  mutating func remove(_ slot: Int) {
    let (earlier, later) = links[slot]
    if earlier >= 0 { links[Int(earlier)].later = later } else { first = later }
    if later >= 0 { links[Int(later)].earlier = earlier } else { last = earlier }
  }

  @inline(__always)
  mutating func moveToEnd(_ slot: Int) {
    guard last != Int32(slot) else { return }
    remove(slot)
    append(slot)
  }
}
