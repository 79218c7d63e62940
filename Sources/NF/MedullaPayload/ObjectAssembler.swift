/// Assembles objects from packets in any order, with duplicates and losses.
///
/// A value without a clock: what it is told of a packet is a descriptor, what it gives are outcomes and
/// releases. It copies and reads no payload. Pieces wait with their frames until the consumer has taken them:
/// all at once when the object is whole, or from the first packet on (`lend`, `giveBack`), so that a transfer
/// can begin while later packets are under way. A frame that is not kept is the caller's at once
/// (`AssemblyOutcome.keepsFrame`); one that was kept is released exactly once, through `drainReleased`.
///
/// All memory is taken at the start. When it is full, new objects are refused with their first packet;
/// older ones are never put out for them. Those have cost packets and maybe transfers already, and a flood
/// of first packets could otherwise keep any object from becoming whole. What never becomes whole ends by
/// its deadline.
package struct ObjectAssembler: Sendable {
  package let limits: AssemblyLimits
  package internal(set) var counts = AssemblyCounts()
  /// Whether objects are admitted by what the engine can do; its classes are the profiles, in the order of
  /// `profiles`.
  package internal(set) var admission: Admission?

  var slots: ContiguousArray<ObjectSlot>
  var pieces: ContiguousArray<PieceRecord>
  /// One bit for each packet of each slot.
  var bits: ContiguousArray<UInt64>
  var ledger: KeyLedger<ObjectKey>
  var streams: StreamTable
  /// By profile: the slots that gather, in the order of their deadlines, which is that of their beginnings.
  var deadlines: ContiguousArray<(first: Int32, last: Int32)>
  var released: ContiguousArray<UInt64> = []
  let wordsPerSlot: Int
  var freeSlot: Int32 = -1
  var freePiece: Int32 = -1
  /// Frames that are held, or may still come for accepted objects.
  package internal(set) var reservedFrames = 0
  package internal(set) var reservedBytes = 0
  package internal(set) var heldFrames = 0
  /// The latest time that was given; one that lies before it counts as this.
  var clock: UInt64 = 0

  /// - Parameters:
  ///   - streams: what is agreed of each stream.
  ///   - others: the profile of all other streams; nil: they are refused.
  ///   - seed: of the tables' order; one that senders cannot guess.
  package init(
    limits: AssemblyLimits, streams: [UInt32: StreamProfile], others: StreamProfile? = nil, seed: UInt64
  ) throws(PayloadError) {
    try limits.check()
    for profile in streams.values + (others.map { [$0] } ?? []) { try Self.check(profile) }
    guard streams.count <= Self.streamLimit else {
      throw PayloadError(.badSetting, "more than \(Self.streamLimit) streams are configured")
    }
    self.limits = limits
    slots = ContiguousArray(repeating: ObjectSlot(), count: limits.objects)
    pieces = ContiguousArray(repeating: PieceRecord(), count: limits.frames)
    wordsPerSlot = (limits.packetsPerObject + 63) / 64
    bits = ContiguousArray(repeating: 0, count: limits.objects * wordsPerSlot)
    ledger = KeyLedger(
      slots: limits.objects, ended: limits.endedObjects, memory: limits.memory, seed: seed,
      filler: ObjectKey(object: 0, stream: 0))
    self.streams = StreamTable(streams, others: others, slots: limits.objects, seed: ~seed)
    guard self.streams.profiles.count <= Self.profileLimit else {
      throw PayloadError(
        .badSetting, "the streams have more than \(Self.profileLimit) different profiles",
        remedy: "Give streams of one kind the same format, deadline and limit.")
    }
    deadlines = ContiguousArray(repeating: (-1, -1), count: self.streams.profiles.count)
    released.reserveCapacity(limits.frames)
    for slot in slots.indices.reversed() {
      slots[slot].later = freeSlot
      freeSlot = Int32(slot)
    }
    for piece in pieces.indices.reversed() {
      pieces[piece].next = freePiece
      freePiece = Int32(piece)
    }
  }

  package static let streamLimit = 65_536
  /// Different ones: the search for what expires goes over all.
  package static let profileLimit = 256

  private static func check(_ profile: StreamProfile) throws(PayloadError) {
    let wrong: String? =
      if let fault = profile.format.fault {
        fault
      } else if profile.deadline < 1 {
        "the deadline is at least a nanosecond"
      } else if profile.objectLimit < 1 {
        "a stream has at least one object at a time"
      } else {
        nil
      }
    if let wrong { throw PayloadError(.badSetting, "a stream of objects cannot be such", cause: wrong) }
  }

  /// What each class of the admission is.
  package var profiles: [StreamProfile] { streams.profiles }

  /// Admits objects only as the engine can serve them from now on, or all of them again (nil).
  ///
  /// - Throws: `badSetting` when objects are under way, which it would not know of, or its classes are not
  ///   the
  ///   profiles.
  package mutating func set(_ admission: Admission?) throws(PayloadError) {
    guard reservedFrames == 0, slots.allSatisfy({ $0.state == .free }) else {
      throw PayloadError(.badSetting, "objects are under way", remedy: "Set the admission before the first.")
    }
    if let admission, admission.classCount != streams.profiles.count {
      throw PayloadError(
        .badSetting,
        "the admission has \(admission.classCount) classes for \(streams.profiles.count) profiles")
    }
    self.admission = admission
  }

  /// Bytes of memory, which stay the same.
  package var storageBytes: Int {
    slots.capacity * MemoryLayout<ObjectSlot>.stride + pieces.capacity * MemoryLayout<PieceRecord>.stride
      + bits.capacity * 8 + released.capacity * 8 + ledger.storageBytes + streams.storageBytes
  }

  /// Objects that have a slot.
  package var objectsUnderWay: Int { slots.count { $0.state != .free } }

  /// Takes a packet.
  ///
  /// - Parameter now: nanoseconds of a clock that does not go back.
  package mutating func take(_ packet: PayloadPacket, at now: UInt64) -> AssemblyOutcome {
    clock = max(clock, now)
    let outcome = judge(packet)
    counts.add(outcome.cause)
    return outcome
  }

  @inline(__always)
  private mutating func judge(_ packet: PayloadPacket) -> AssemblyOutcome {
    let header: PayloadHeader
    do { header = try PayloadHeader(packet.datagram) } catch { return AssemblyOutcome(error) }
    switch ledger.find(ObjectKey(object: header.object, stream: header.stream), at: clock) {
    case .live(let slot): return add(header, packet, to: slot)
    case .ended(let reason): return AssemblyOutcome(PacketCause(rawValue: reason) ?? .afterDrop)
    case .unknown: return begin(header, packet)
    }
  }

  /// A later packet of an object.
  @inline(__always)
  private mutating func add(
    _ header: PayloadHeader, _ packet: PayloadPacket, to slot: Int
  ) -> AssemblyOutcome {
    guard slots[slot].agrees(with: header) else { return AssemblyOutcome(.inconsistent) }
    guard header.isPlaced(pieceSize: slots[slot].pieceSize) else { return AssemblyOutcome(.wrongPlace) }
    let word = slot * wordsPerSlot + Int(header.sequence / 64)
    let bit = UInt64(1) << UInt64(header.sequence % 64)
    if bits[word] & bit != 0 { return AssemblyOutcome(.duplicate) }
    if clock >= slots[slot].deadline { return AssemblyOutcome(.late) }
    bits[word] |= bit
    return keep(header, packet, in: slot)
  }

  @inline(__always)
  private mutating func keep(
    _ header: PayloadHeader, _ packet: PayloadPacket, in slot: Int
  ) -> AssemblyOutcome {
    // Reserved with the object's first packet, so there is one.
    let piece = freePiece
    var outcome = AssemblyOutcome(
      .accepted, ObjectName(slot: UInt32(slot), generation: slots[slot].generation))
    // One access to each array: every one checks anew that it is nobody else's.
    let link = slots[slot].add(piece, length: header.length)
    freePiece = pieces.withUnsafeMutableBufferPointer { pieces in
      let next = pieces[Int(piece)].next
      pieces[Int(piece)] = PieceRecord(
        frame: packet.frame, source: packet.place + PayloadHeader.bytes, sequence: header.sequence, next: -1)
      if link.before >= 0 { pieces[Int(link.before)].next = piece }
      return next
    }
    heldFrames += 1
    outcome.hasNews = link.isNews
    if link.completes {
      unlinkDeadline(slot)
      outcome.completes = true
    }
    return outcome
  }

  /// The first packet of an object.
  @inline(never)
  private mutating func begin(_ header: PayloadHeader, _ packet: PayloadPacket) -> AssemblyOutcome {
    guard let profile = streams.profile(of: header.stream) else { return AssemblyOutcome(.unknownStream) }
    guard let pieceSize = header.pieceSize else { return AssemblyOutcome(.wrongPlace) }
    guard streams.profiles[profile].format.accepts(header.kind, size: Int(header.size)) else {
      return AssemblyOutcome(.wrongObject)
    }
    // More than could ever be held is no matter of how much is there now.
    guard header.total <= min(limits.packetsPerObject, limits.frames), header.size <= limits.bytes else {
      return AssemblyOutcome(.tooLarge)
    }
    let key = ObjectKey(object: header.object, stream: header.stream)
    if let cause = refusal(header, profile: profile) {
      ledger.end(key, reason: PacketCause.afterRefusal.rawValue, at: clock)
      counts.refused += 1
      return AssemblyOutcome(cause)
    }
    let slot = Int(freeSlot)
    freeSlot = slots[slot].later
    let generation = slots[slot].generation
    slots[slot] = ObjectSlot(
      key: key, size: header.size, total: header.total, pieceSize: pieceSize, digest: header.digest,
      kind: header.kind, state: .gathering, generation: generation,
      stream: streams.begin(header.stream, profile: profile), began: clock,
      deadline: clock &+ min(streams.profiles[profile].deadline, UInt64.max - clock))
    linkDeadline(slot, profile: profile)
    let words = slot * wordsPerSlot
    for word in words..<(words + Int(header.total + 63) / 64) { bits[word] = 0 }
    bits[words + Int(header.sequence / 64)] = 1 << UInt64(header.sequence % 64)
    ledger.begin(key, slot: slot)
    admission?.begin(profile)
    reservedFrames += Int(header.total)
    reservedBytes += Int(header.size)
    counts.begun += 1
    var outcome = keep(header, packet, in: slot)
    outcome.begins = true
    return outcome
  }

  /// Why a new object cannot be taken now; nil: it can.
  private func refusal(_ header: PayloadHeader, profile: Int) -> PacketCause? {
    if freeSlot < 0 { return .noSlot }
    if streams.isFull(header.stream, profile: profile) { return .streamFull }
    // Frames that were released and not fetched yet are still away from the receiver.
    guard reservedFrames + released.count + Int(header.total) <= limits.frames,
      reservedBytes + Int(header.size) <= limits.bytes
    else { return .noMemory }
    if let admission, !admission.admits(profile) { return .notAdmitted }
    return nil
  }
}
