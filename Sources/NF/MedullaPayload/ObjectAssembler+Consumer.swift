/// What the consumer does with objects, and what ends them.
extension ObjectAssembler {
  /// What there is of an object; nil: it has ended.
  package func object(_ name: ObjectName) -> PayloadObject? {
    place(of: name).map(describe)
  }

  /// Lends the consumer pieces that it has not had, in the order in which they came.
  ///
  /// It may do so while packets are missing. Frames of what was lent stay until `giveBack` or `finish`, even
  /// when the object expires meanwhile.
  ///
  /// - Returns: the number of pieces.
  @discardableResult
  package mutating func lend(
    _ name: ObjectName, limit: Int = .max, _ receive: (PayloadPiece) -> Void
  ) -> Int {
    guard let slot = place(of: name), slots[slot].state != .expired else { return 0 }
    let object = slots[slot]
    var (count, at) = (0, object.unlent)
    while at >= 0, count < limit {
      let piece = pieces[Int(at)]
      let destination = Int(piece.sequence) * Int(object.pieceSize)
      receive(
        PayloadPiece(
          source: piece.source, destination: destination,
          length: min(Int(object.pieceSize), Int(object.size) - destination)))
      at = piece.next
      count += 1
    }
    slots[slot].unlent = at
    slots[slot].lent += UInt32(count)
    return count
  }

  /// The consumer no longer reads the first `count` pieces of those it has: their frames are released.
  ///
  /// - Returns: how many that were; fewer when it has fewer.
  @discardableResult
  package mutating func giveBack(_ name: ObjectName, count: Int) -> Int {
    guard let slot = place(of: name) else { return 0 }
    let number = min(max(count, 0), Int(slots[slot].lent))
    for _ in 0..<number { releaseFirst(slot) }
    slots[slot].lent -= UInt32(number)
    if slots[slot].first < 0 { slots[slot].last = -1 }
    if slots[slot].state == .expired, slots[slot].lent == 0 { free(slot) }
    return number
  }

  /// The consumer is done with the object and reads none of its pieces any more: all frames are released.
  ///
  /// One that is not whole yet is given up.
  ///
  /// - Parameter service: nanoseconds that the engine took; nil: it did not serve the object.
  /// - Returns: false when the object has ended before.
  @discardableResult
  package mutating func finish(_ name: ObjectName, service: UInt64? = nil) -> Bool {
    guard let slot = place(of: name) else { return false }
    switch slots[slot].state {
    case .complete:
      counts.completed += 1
      end(slot, .afterCompletion, service: service)
    case .gathering:
      counts.dropped += 1
      unlinkDeadline(slot)
      end(slot, .afterDrop, service: service)
    case .expired, .free: break
    }
    while slots[slot].first >= 0 { releaseFirst(slot) }
    free(slot)
    return true
  }

  /// Ends an object whose deadline has passed, and tells what there was of it; nil: there is none.
  ///
  /// Its frames are released but for those that are lent: until the consumer has given them back, its name
  /// stays valid. Call it until it gives nil.
  package mutating func nextExpired(at now: UInt64) -> PayloadObject? {
    clock = max(clock, now)
    for list in deadlines.indices {
      let slot = Int(deadlines[list].first)
      guard slot >= 0, slots[slot].deadline <= clock else { continue }
      unlinkDeadline(slot)
      counts.expired += 1
      counts.missing += UInt64(slots[slot].total - slots[slot].received)
      slots[slot].state = .expired
      let object = describe(slot)
      end(slot, .afterExpiry, service: nil)
      releaseUnlent(slot)
      if slots[slot].lent == 0 { free(slot) }
      return object
    }
    return nil
  }

  /// The next time at which an object expires.
  package var nextDeadline: UInt64? {
    deadlines.lazy.compactMap { $0.first >= 0 ? slots[Int($0.first)].deadline : nil }.min()
  }

  /// Hands over the frames that were released, each once.
  package mutating func drainReleased(_ receive: (UnsafeBufferPointer<UInt64>) -> Void) {
    guard !released.isEmpty else { return }
    released.withUnsafeBufferPointer(receive)
    released.removeAll(keepingCapacity: true)
  }
}

extension ObjectAssembler {
  private func place(of name: ObjectName) -> Int? {
    let slot = Int(name.slot)
    guard slot < slots.count, slots[slot].state != .free, slots[slot].generation == name.generation else {
      return nil
    }
    return slot
  }

  private func describe(_ slot: Int) -> PayloadObject {
    let object = slots[slot]
    let state: PayloadObject.State =
      switch object.state {
      case .complete: .complete
      case .gathering: .gathering
      case .expired, .free: .expired
      }
    return PayloadObject(
      name: ObjectName(slot: UInt32(slot), generation: object.generation), stream: object.key.stream,
      number: object.key.object, kind: object.kind,
      format: streams.profiles[streams.profile(at: object.stream)].format, state: state,
      size: Int(object.size), total: Int(object.total), received: Int(object.received),
      receivedBytes: Int(object.receivedBytes), digest: object.digest, began: object.began,
      lent: Int(object.lent))
  }

  /// The key is over: late packets are known as such, and what had been reserved for missing ones is free.
  private mutating func end(_ slot: Int, _ cause: PacketCause, service: UInt64?) {
    ledger.end(slots[slot].key, reason: cause.rawValue, at: clock)
    admission?.end(streams.profile(at: slots[slot].stream), service: service)
    reservedFrames -= Int(slots[slot].total - slots[slot].received)
  }

  /// The slot may be another object's. All of its pieces have been released.
  private mutating func free(_ slot: Int) {
    streams.end(at: slots[slot].stream)
    reservedBytes -= Int(slots[slot].size)
    slots[slot].generation &+= 1
    slots[slot].state = .free
    slots[slot].later = freeSlot
    freeSlot = Int32(slot)
  }

  private mutating func release(_ piece: Int) {
    released.append(pieces[piece].frame)
    pieces[piece].next = freePiece
    freePiece = Int32(piece)
    heldFrames -= 1
    reservedFrames -= 1
  }

  private mutating func releaseFirst(_ slot: Int) {
    let piece = Int(slots[slot].first)
    slots[slot].first = pieces[piece].next
    release(piece)
  }

  /// Releases what the consumer has not had, and leaves what it has.
  private mutating func releaseUnlent(_ slot: Int) {
    var (count, at) = (slots[slot].lent, slots[slot].first)
    var lastLent: Int32 = -1
    while count > 0 {
      lastLent = at
      at = pieces[Int(at)].next
      count -= 1
    }
    if lastLent >= 0 { pieces[Int(lastLent)].next = -1 } else { slots[slot].first = -1 }
    slots[slot].last = lastLent
    slots[slot].unlent = -1
    while at >= 0 {
      let next = pieces[Int(at)].next
      release(Int(at))
      at = next
    }
  }

  mutating func linkDeadline(_ slot: Int, profile: Int) {
    let last = deadlines[profile].last
    slots[slot].earlier = last
    slots[slot].later = -1
    if last >= 0 { slots[Int(last)].later = Int32(slot) } else { deadlines[profile].first = Int32(slot) }
    deadlines[profile].last = Int32(slot)
  }

  mutating func unlinkDeadline(_ slot: Int) {
    let profile = streams.profile(at: slots[slot].stream)
    let (earlier, later) = (slots[slot].earlier, slots[slot].later)
    if earlier >= 0 { slots[Int(earlier)].later = later } else { deadlines[profile].first = later }
    if later >= 0 { slots[Int(later)].earlier = earlier } else { deadlines[profile].last = earlier }
  }
}
