/// How segments are put in order, and what of them is kept.
extension StreamReassembler {
  /// The first segment behind a gap; -1: there is none.
  func pending(_ slot: Int) -> Int32 {
    let ordered = slots[slot].ordered
    return ordered < 0 ? slots[slot].first : pool.records[Int(ordered)].next
  }

  /// Keeps what is new of some bytes, or nothing of them.
  mutating func keep(
    _ bytes: Range<Int>, _ frame: UInt64, _ source: Int, in slot: Int
  ) throws(StreamCause) {
    let length = slots[slot].length
    // A tail can begin anywhere; without one nothing is wanted behind the head.
    let limit = want.tail > 0 ? bytes.upperBound : min(bytes.upperBound, want.head)
    guard bytes.lowerBound < limit else { throw .notWanted }
    let lower = max(bytes.lowerBound, length)
    guard lower < limit else { throw .repeated }
    let parts = gaps(lower..<limit, in: slot)
    guard parts > 0 else { throw .repeated }
    guard Int(slots[slot].held) + parts <= limits.segmentsPerFlow else { throw .flowFull }
    guard pool.hasRoom(parts: parts) else { throw .noMemory }
    fill(lower..<limit, frame, source - bytes.lowerBound, in: slot)
    slots[slot].held += Int32(parts)
    advance(slot)
    if want.tail > 0 { dropMiddle(slot) }
  }

  /// How many parts of the range, which begins at or behind what is in order, are missing.
  private func gaps(_ range: Range<Int>, in slot: Int) -> Int {
    var (count, from, at) = (0, range.lowerBound, pending(slot))
    while at >= 0, from < range.upperBound {
      let record = pool.records[Int(at)]
      if record.position > from { count += 1 }
      if record.position >= range.upperBound { return count }
      from = max(from, record.end)
      at = record.next
    }
    return from < range.upperBound ? count + 1 : count
  }

  /// - Parameter base: where position 0 would lie in packet memory.
  private mutating func fill(_ range: Range<Int>, _ frame: UInt64, _ base: Int, in slot: Int) {
    var (before, at, from) = (slots[slot].ordered, pending(slot), range.lowerBound)
    var sibling: Int32 = -1
    while from < range.upperBound {
      let next = at >= 0 ? pool.records[Int(at)].position : Int.max
      let to = min(next, range.upperBound)
      if from < to {
        let made = pool.take(
          frame: frame, source: base + from, position: from, length: to - from, next: at, sibling: sibling)
        if before >= 0 { pool.link(before, to: made) } else { slots[slot].first = made }
        (sibling, before) = (made, made)
      }
      guard at >= 0 else { return }
      from = max(from, pool.records[Int(at)].end)
      before = at
      at = pool.records[Int(at)].next
    }
  }

  /// What follows without a gap is in order from now on.
  private mutating func advance(_ slot: Int) {
    var at = pending(slot)
    while at >= 0, pool.records[Int(at)].position == slots[slot].length {
      slots[slot].length = pool.records[Int(at)].end
      slots[slot].ordered = at
      if pool.records[Int(at)].position < want.head { slots[slot].headLast = at }
      at = pool.records[Int(at)].next
    }
  }

  /// Releases what is in order and lies neither in the head nor in the tail. The last segment in order always
  /// reaches into the tail.
  private mutating func dropMiddle(_ slot: Int) {
    let before = slots[slot].headLast
    var at = before < 0 ? slots[slot].first : pool.records[Int(before)].next
    while at >= 0, pool.records[Int(at)].end <= slots[slot].length - want.tail {
      at = pool.release(at)
      slots[slot].held -= 1
    }
    if before >= 0 { pool.link(before, to: at) } else { slots[slot].first = at }
  }

  /// Ends the flow if all is there.
  mutating func settle(_ slot: Int) {
    guard slots[slot].state == .open else { return }
    if slots[slot].end >= 0, slots[slot].length == slots[slot].end {
      close(slot, .whole)
    } else if want.tail == 0, slots[slot].length >= want.head {
      close(slot, slots[slot].end == slots[slot].length ? .whole : .enough)
    }
  }

  /// The flow is over for packets; what is in order waits for the consumer, what is behind a gap is released.
  mutating func close(_ slot: Int, _ ending: StreamEnding) {
    bySilence.remove(slot)
    byAge.remove(slot)
    ledger.end(slots[slot].key, reason: ending.rawValue, at: clock)
    slots[slot].state = .ended
    slots[slot].ending = ending
    counts.add(ending)
    var at = pending(slot)
    let ordered = slots[slot].ordered
    if ordered >= 0 { pool.link(ordered, to: -1) } else { slots[slot].first = -1 }
    while at >= 0 {
      at = pool.release(at)
      slots[slot].held -= 1
    }
  }
}
