import MedullaNF
import MedullaPayload

/// Takes frames for a function over objects: which has a piece of one, and whether what has become whole is
/// what was sent.
///
/// Where the sender gave a digest, each piece is read once, when it comes.
struct ObjectIntake {
  /// What a frame has brought.
  struct Arrival {
    let name: ObjectName
    /// It is the first of its object.
    let begins: Bool
    /// There is something to lend that was not there before.
    let hasNews: Bool
    let completes: Bool
    /// The object is whole, and is not what its sender's digest says: nobody may use it.
    let isDamaged: Bool
  }

  enum Outcome {
    /// It carries no piece of an object.
    case other
    /// The piece is not kept.
    case refused
    case arrived(Arrival)
  }

  var assembler: ObjectAssembler
  private var digests: [ObjectName: ObjectDigest] = [:]
  /// Objects that were whole and damaged.
  private(set) var damaged: UInt64 = 0
  /// Frames without an object: they go on.
  private(set) var otherFrames: UInt64 = 0

  /// - Parameters:
  ///   - quota: of the function; more frames would never be delivered.
  ///   - byteLimit: of one object.
  init(_ profile: StreamProfile, quota: Int, byteLimit: Int, seed: UInt64) throws(PayloadError) {
    var limits = AssemblyLimits()
    limits.objects = profile.objectLimit
    limits.frames = quota
    limits.bytes = profile.objectLimit * byteLimit
    assembler = try ObjectAssembler(limits: limits, streams: [:], others: profile, seed: seed)
  }

  init(_ assembler: ObjectAssembler) { self.assembler = assembler }

  var counts: AssemblyCounts { assembler.counts }

  /// Takes a frame of the chain; one that is not kept goes back at once.
  ///
  /// - Returns: nil: it is not kept.
  mutating func take(_ frame: Frame, at now: UInt64, by port: FunctionPort) -> Arrival? {
    switch take(frame.bytes, place: frame.place, at: now) {
    case .other: port.return(frame, .next)
    case .refused: port.return(frame, .release)
    case .arrived(let arrival): return arrival
    }
    return nil
  }

  /// - Parameter place: of the frame's first byte in packet memory.
  mutating func take(_ frame: UnsafeRawBufferPointer, place: Int, at now: UInt64) -> Outcome {
    guard let segment = try? StreamSegment(frame), !segment.isTCP else {
      otherFrames += 1
      return .other
    }
    let datagram = UnsafeRawBufferPointer(
      rebasing: frame[segment.start..<(segment.start + segment.length)])
    return take(
      PayloadPacket(frame: UInt64(place), place: place + segment.start, datagram: datagram), at: now)
  }

  mutating func take(_ packet: PayloadPacket, at now: UInt64) -> Outcome {
    let outcome = assembler.take(packet, at: now)
    guard outcome.keepsFrame, let name = outcome.object else { return .refused }
    return .arrived(
      Arrival(
        name: name, begins: outcome.begins, hasNews: outcome.hasNews, completes: outcome.completes,
        isDamaged: isDamaged(name, packet.datagram, outcome)))
  }

  /// Reads a piece that was kept.
  private mutating func isDamaged(
    _ name: ObjectName, _ datagram: UnsafeRawBufferPointer, _ outcome: AssemblyOutcome
  ) -> Bool {
    guard let told = PayloadHeader.digest(ofChecked: datagram) else { return false }
    var digest = digests[name] ?? ObjectDigest(size: told.size)
    digest.add(UnsafeRawBufferPointer(rebasing: datagram[PayloadHeader.bytes...]), at: told.offset)
    guard outcome.completes else {
      digests[name] = digest
      return false
    }
    digests[name] = nil
    guard digest.value != told.value else { return false }
    damaged += 1
    return true
  }

  /// The consumer is done with the object, as of the assembler.
  mutating func finish(_ name: ObjectName, service: UInt64? = nil) {
    digests[name] = nil
    assembler.finish(name, service: service)
  }

  mutating func nextExpired(at now: UInt64) -> PayloadObject? {
    let object = assembler.nextExpired(at: now)
    if let object { digests[object.name] = nil }
    return object
  }
}
