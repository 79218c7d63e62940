import MedullaPayload

/// Objects of kind `bytes`, of which the ends are copied as packets come, so that no frame waits for others.
struct FileObjects {
  private static let deadline: UInt64 = 10_000_000_000
  private static let objects = 1_024

  private var intake: ObjectIntake
  private var files: [ObjectName: FileEnds] = [:]
  private let block: Int

  var counts: AssemblyCounts { intake.counts }
  /// Objects that were whole and not what their sender's digest says.
  var damaged: UInt64 { intake.damaged }

  init(block: Int, limit: Int) throws(PayloadError) {
    self.block = block
    var limits = AssemblyLimits()
    limits.objects = Self.objects
    limits.packetsPerObject = 1 << 16
    limits.frames = 1 << 20
    limits.bytes = max(limit, 1 << 28)
    intake = ObjectIntake(
      try ObjectAssembler(
        limits: limits, streams: [:],
        others: StreamProfile(
          format: .bytes(limit: limit), deadline: Self.deadline, objectLimit: Self.objects),
        seed: .random(in: .min ... .max)))
  }

  /// - Returns: an object that is whole with this packet; nil also for one that is damaged.
  mutating func take(_ datagram: UnsafeRawBufferPointer, at now: UInt64) -> FileEnds? {
    guard
      case .arrived(let arrival) = intake.take(
        PayloadPacket(frame: 0, place: 0, datagram: datagram), at: now)
    else { return nil }
    let name = arrival.name
    if arrival.begins, let object = intake.assembler.object(name) {
      files[name] = FileEnds(
        stream: nil, name: "stream \(object.stream) object \(object.number)", size: object.size, block: block)
    }
    // The piece is read now, whatever order it comes in, and its frame is not needed any more.
    let count = intake.assembler.lend(name) { piece in
      files[name]?.take(
        UnsafeRawBufferPointer(rebasing: datagram[PayloadHeader.bytes...].prefix(piece.length)),
        at: piece.destination)
    }
    intake.assembler.giveBack(name, count: count)
    intake.assembler.drainReleased { _ in }
    guard arrival.completes else { return nil }
    intake.finish(name)
    let file = files.removeValue(forKey: name)
    return arrival.isDamaged ? nil : file
  }

  mutating func expire(at now: UInt64) {
    while let object = intake.nextExpired(at: now) { files[object.name] = nil }
    intake.assembler.drainReleased { _ in }
  }
}

extension PayloadHeader {
  /// Whether a datagram says that it carries a piece of an object.
  static func isObject(_ datagram: UnsafeRawBufferPointer) -> Bool {
    datagram.count >= bytes
      && UInt32(bigEndian: datagram.loadUnaligned(as: UInt32.self)) == magic
  }
}
