/// What the consumer does with flows, and what ends them.
extension StreamReassembler {
  /// What there is of a flow; nil: the consumer has finished with it.
  package func flow(_ name: StreamName) -> StreamFlow? { place(of: name).map(describe) }

  /// Lends the consumer bytes in order that it has not had; `destination` is their place in the stream.
  ///
  /// Those of the tail only come when the flow has ended: before, nobody knows which they are. Pieces are
  /// whole segments, and may begin or end outside of head and tail.
  ///
  /// - Returns: the number of pieces.
  @discardableResult
  package mutating func lend(
    _ name: StreamName, limit: Int = .max, _ receive: (PayloadPiece) -> Void
  ) -> Int {
    guard let slot = place(of: name) else { return 0 }
    let last = slots[slot].lastLent
    let isWhole = slots[slot].state == .ended
    var (count, at) = (0, last < 0 ? slots[slot].first : pool.records[Int(last)].next)
    while at >= 0, count < limit {
      let record = pool.records[Int(at)]
      guard record.end <= slots[slot].length, isWhole || record.position < want.head else { break }
      receive(
        PayloadPiece(source: record.source, destination: record.position, length: Int(record.length)))
      slots[slot].lastLent = at
      at = record.next
      count += 1
    }
    slots[slot].lent += Int32(count)
    return count
  }

  /// The consumer no longer reads the first `count` pieces of those it has.
  ///
  /// A frame of which it has several pieces is released with the last.
  ///
  /// - Returns: how many that were; fewer when it has fewer.
  @discardableResult
  package mutating func giveBack(_ name: StreamName, count: Int) -> Int {
    guard let slot = place(of: name) else { return 0 }
    let number = min(max(count, 0), Int(slots[slot].lent))
    for _ in 0..<number {
      let first = slots[slot].first
      if slots[slot].lastLent == first { slots[slot].lastLent = -1 }
      if slots[slot].ordered == first { slots[slot].ordered = -1 }
      if slots[slot].headLast == first { slots[slot].headLast = -1 }
      slots[slot].first = pool.release(first)
    }
    slots[slot].held -= Int32(number)
    slots[slot].lent -= Int32(number)
    return number
  }

  /// The consumer is done with the flow and reads none of it any more. One that is open is given up.
  ///
  /// - Returns: false when it has done so before.
  @discardableResult
  package mutating func finish(_ name: StreamName) -> Bool {
    guard let slot = place(of: name) else { return false }
    if slots[slot].state == .open { close(slot, .dropped) }
    var at = slots[slot].first
    while at >= 0 { at = pool.release(at) }
    slots[slot].state = .free
    slots[slot].generation &+= 1
    free.append(slot)
    return true
  }

  /// Ends a flow that has been silent for too long or is too old, and tells what there is of it; nil:
  /// there is none. What is in order waits until the consumer finishes with it. Call it until it gives
  /// nil.
  package mutating func nextExpired(at now: UInt64) -> StreamFlow? {
    clock = max(clock, now)
    let (silent, old) = (bySilence.first, byAge.first)
    for slot in [silent, old] where slot >= 0 && deadline(Int(slot)) <= clock {
      let slot = Int(slot)
      let isOld = clock - slots[slot].began >= limits.lifetime
      close(slot, isOld ? .aged : .idle)
      return describe(slot)
    }
    return nil
  }

  /// Hands over the frames that were released, each once.
  package mutating func drainReleased(_ receive: (UnsafeBufferPointer<UInt64>) -> Void) {
    pool.drain(receive)
  }

  private func place(of name: StreamName) -> Int? {
    let slot = Int(name.slot)
    guard slot < slots.count, slots[slot].state != .free, slots[slot].generation == name.generation else {
      return nil
    }
    return slot
  }

  private func describe(_ slot: Int) -> StreamFlow {
    let flow = slots[slot]
    return StreamFlow(
      name: StreamName(slot: UInt32(slot), generation: flow.generation), key: flow.key,
      ending: flow.state == .ended ? flow.ending : nil, length: flow.length, held: Int(flow.held),
      refused: Int(flow.refused), lent: Int(flow.lent), began: flow.began)
  }
}
