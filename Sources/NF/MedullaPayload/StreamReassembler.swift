import CMedullaABI

/// Reassembles the byte streams of TCP's and UDP's flows, each direction by itself.
///
/// A value without a clock, by descriptors, as `ObjectAssembler`: segments stay in their frames until the
/// consumer has taken them. UDP's datagrams follow one another as they come. TCP's segments are ordered by
/// their sequence numbers; of bytes that come twice the first are kept, and whether the second are the
/// same is not looked at: payload is not read here. (A receiver may take the others; who must not be
/// deceived needs to see what it is told, or normalise it.)
///
/// All memory is taken at the start; what is new is refused when it is full. A gap that stays, because its
/// segment was refused or lost, ends with the flow's silence or age.
package struct StreamReassembler: Sendable {
  package let limits: StreamLimits
  package let want: StreamWant
  package internal(set) var counts = StreamCounts()

  var slots: ContiguousArray<StreamSlot>
  var pool: SegmentPool
  var ledger: KeyLedger<StreamKey>
  var free: SlotOrder
  /// Open flows, by their last packet and by their first.
  var bySilence: SlotOrder
  var byAge: SlotOrder
  var clock: UInt64 = 0

  /// - Parameter seed: of the table's order; one that senders cannot guess.
  package init(limits: StreamLimits, want: StreamWant, seed: UInt64) throws(PayloadError) {
    try limits.check(want)
    self.limits = limits
    self.want = want
    let filler = StreamKey(medulla_flow_key())
    slots = ContiguousArray(repeating: StreamSlot(key: filler), count: limits.flows)
    pool = SegmentPool(frames: limits.frames)
    ledger = KeyLedger(
      slots: limits.flows, ended: limits.endedFlows, memory: limits.memory, seed: seed, filler: filler)
    free = SlotOrder(slots: limits.flows)
    bySilence = SlotOrder(slots: limits.flows)
    byAge = SlotOrder(slots: limits.flows)
    for slot in slots.indices { free.append(slot) }
  }

  /// Bytes of memory, which stay the same.
  package var storageBytes: Int {
    slots.capacity * MemoryLayout<StreamSlot>.stride + pool.storageBytes + ledger.storageBytes
      + free.storageBytes + bySilence.storageBytes + byAge.storageBytes
  }

  package var heldFrames: Int { pool.heldFrames }

  /// Flows that have a slot.
  package var flowsUnderWay: Int { slots.count { $0.state != .free } }

  /// Takes an Ethernet frame.
  ///
  /// - Parameters:
  ///   - frame: its name; what is kept is told by it when it is released.
  ///   - place: where its first byte lies in packet memory.
  ///   - now: nanoseconds of a clock that does not go back.
  package mutating func take(
    _ bytes: UnsafeRawBufferPointer, frame: UInt64, place: Int, at now: UInt64
  ) -> StreamOutcome {
    do {
      return take(try StreamSegment(bytes), frame: frame, place: place, at: now)
    } catch {
      clock = max(clock, now)
      counts.add(error)
      return StreamOutcome(error)
    }
  }

  /// Takes a segment or datagram.
  package mutating func take(
    _ segment: StreamSegment, frame: UInt64, place: Int, at now: UInt64
  ) -> StreamOutcome {
    clock = max(clock, now)
    let outcome = judge(segment, frame: frame, source: place + segment.start)
    counts.add(outcome.cause)
    return outcome
  }

  private mutating func judge(_ segment: StreamSegment, frame: UInt64, source: Int) -> StreamOutcome {
    let slot: Int
    var begins = false
    switch ledger.find(segment.key, at: clock) {
    case .live(let known): slot = known
    case .ended(let reason) where !beginsAnew(segment, reason): return StreamOutcome(.afterEnd)
    case .ended, .unknown:
      do { slot = try begin(segment) } catch { return StreamOutcome(error) }
      begins = true
    }
    if clock >= deadline(slot) { return StreamOutcome(.late) }
    var outcome: StreamOutcome
    let before = slots[slot].length
    do {
      outcome = StreamOutcome(
        segment.isTCP
          ? try order(segment, frame, source, in: slot) : try append(segment, frame, source, in: slot))
    } catch {
      // What is refused begins no flow.
      if begins { undo(slot) }
      if error == .noMemory || error == .flowFull { slots[slot].refused += 1 }
      return StreamOutcome(error)
    }
    if begins { count(slot, segment) }
    if slots[slot].state == .open {
      slots[slot].touched = clock
      bySilence.moveToEnd(slot)
    }
    outcome.flow = StreamName(slot: UInt32(slot), generation: slots[slot].generation)
    outcome.begins = begins
    outcome.hasNews = slots[slot].length > before
    settle(slot)
    outcome.ends = slots[slot].state == .ended
    return outcome
  }

  /// Whether a segment of a flow that has ended begins another between the same ports. TCP says so. UDP
  /// cannot: where its flow has ended by silence or age, what comes behind that is no late packet of it.
  private func beginsAnew(_ segment: StreamSegment, _ reason: UInt8) -> Bool {
    if segment.isTCP { return segment.has(PACKET_SYN) && !segment.has(PACKET_RST) }
    return reason == StreamEnding.idle.rawValue || reason == StreamEnding.aged.rawValue
  }

  /// When a flow is over by silence or age.
  func deadline(_ slot: Int) -> UInt64 {
    let (silence, age) = (
      slots[slot].touched.addingReportingOverflow(limits.idle),
      slots[slot].began.addingReportingOverflow(limits.lifetime)
    )
    return min(silence.overflow ? .max : silence.partialValue, age.overflow ? .max : age.partialValue)
  }

  private mutating func begin(_ segment: StreamSegment) throws(StreamCause) -> Int {
    let hasStart = segment.has(PACKET_SYN)
    if segment.isTCP {
      // An ACK alone tells nothing that a flow would be kept for.
      guard !segment.has(PACKET_RST), hasStart || want.takesMidStream && segment.length > 0 else {
        throw .withoutStart
      }
    }
    guard free.first >= 0 else { throw .noSlot }
    let slot = Int(free.first)
    free.remove(slot)
    let generation = slots[slot].generation
    slots[slot] = StreamSlot(key: segment.key)
    slots[slot].state = .open
    slots[slot].isTCP = segment.isTCP
    slots[slot].generation = generation
    slots[slot].began = clock
    slots[slot].touched = clock
    slots[slot].start = segment.sequence &+ (hasStart ? 1 : 0)
    bySilence.append(slot)
    byAge.append(slot)
    return slot
  }

  private mutating func undo(_ slot: Int) {
    bySilence.remove(slot)
    byAge.remove(slot)
    slots[slot].state = .free
    free.append(slot)
  }

  /// The flow that has begun is a flow.
  private mutating func count(_ slot: Int, _ segment: StreamSegment) {
    ledger.begin(slots[slot].key, slot: slot)
    counts.begun += 1
    if segment.isTCP, !segment.has(PACKET_SYN) { counts.midStream += 1 }
  }

  /// A datagram's bytes follow what came before.
  private mutating func append(
    _ segment: StreamSegment, _ frame: UInt64, _ source: Int, in slot: Int
  ) throws(StreamCause) -> StreamCause {
    guard segment.length > 0 else { return .control }
    let position = slots[slot].length
    try keep(position..<(position + segment.length), frame, source, in: slot)
    return .accepted
  }

  /// A segment's bytes have their place.
  private mutating func order(
    _ segment: StreamSegment, _ frame: UInt64, _ source: Int, in slot: Int
  ) throws(StreamCause) -> StreamCause {
    let length = slots[slot].length
    let expected = slots[slot].start &+ UInt32(truncatingIfNeeded: length)
    if segment.has(PACKET_RST) {
      // RFC 5961, 3.2: only within the window, so that not any forged one ends a flow.
      let ahead = Int32(bitPattern: segment.sequence &- expected)
      guard ahead >= 0, ahead < limits.window else { throw .inconsistent }
      close(slot, .reset)
      return .control
    }
    let sequence = segment.sequence &+ (segment.has(PACKET_SYN) ? 1 : 0)
    if segment.has(PACKET_SYN), sequence != slots[slot].start { throw .inconsistent }
    // Relative to what is there: numbers wrap around, a place does not.
    let position = length + Int(Int32(bitPattern: sequence &- expected))
    let end = position + segment.length
    let known = slots[slot].end
    if known >= 0, end > known { throw .beyondEnd }
    guard end <= length + limits.window else { throw .beyondWindow }
    let tellsEnd = segment.has(PACKET_FIN)
    if tellsEnd {
      guard known < 0 || known == end, end >= furthest(slot) else { throw .inconsistent }
    }
    var cause = StreamCause.control
    if segment.length > 0 {
      do {
        try keep(position..<end, frame, source, in: slot)
        cause = .accepted
      } catch {
        // A FIN whose bytes are there already still tells the end.
        guard tellsEnd, error == .repeated || error == .notWanted else { throw error }
        cause = error
      }
    }
    if tellsEnd { slots[slot].end = end }
    return cause
  }

  /// The end of the last byte that is held or was.
  private func furthest(_ slot: Int) -> Int {
    var (end, at) = (slots[slot].length, pending(slot))
    while at >= 0 {
      end = pool.records[Int(at)].end
      at = pool.records[Int(at)].next
    }
    return end
  }
}
