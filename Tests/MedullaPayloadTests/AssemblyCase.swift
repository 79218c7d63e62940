import MedullaBase

@testable import MedullaPayload

/// Packets and assemblers for tests.
enum AssemblyCase {
  static let profile = StreamProfile(format: .bytes(limit: 4_096), deadline: 1_000, objectLimit: 8)

  static func limits(
    objects: Int = 8, frames: Int = 64, bytes: Int = 1 << 20, packetsPerObject: Int = 64, ended: Int = 16,
    memory: UInt64 = 1_000_000
  ) -> AssemblyLimits {
    var limits = AssemblyLimits()
    limits.objects = objects
    limits.frames = frames
    limits.bytes = bytes
    limits.packetsPerObject = packetsPerObject
    limits.endedObjects = ended
    limits.memory = memory
    return limits
  }

  static func assembler(
    _ limits: AssemblyLimits = limits(), streams: [UInt32: StreamProfile] = [1: profile],
    others: StreamProfile? = nil
  ) throws -> AssemblyRig {
    AssemblyRig(try ObjectAssembler(limits: limits, streams: streams, others: others, seed: 1))
  }

  static func writer(
    _ object: UInt64 = 1, stream: UInt32 = 1, size: Int = 100, piece: Int = 32, digest: UInt32? = nil
  ) throws -> PayloadWriter {
    try PayloadWriter(
      kind: .bytes, stream: stream, object: object, size: size, pieceSize: piece, digest: digest)
  }

  /// A datagram whose payload is of zeros.
  static func datagram(_ header: PayloadHeader) -> [UInt8] {
    var bytes = [UInt8](repeating: 0, count: PayloadHeader.bytes + Int(header.length))
    bytes.withUnsafeMutableBytes { header.write(to: $0) }
    return bytes
  }

  /// A datagram with changed words of its header, and a checksum that is right again.
  static func datagram(_ header: PayloadHeader, _ change: (inout [UInt8]) -> Void) -> [UInt8] {
    var bytes = datagram(header)
    change(&bytes)
    let checksum = bytes.withUnsafeBytes { PayloadDigest.of(UnsafeRawBufferPointer(rebasing: $0[..<44])) }
    for at in 0..<4 { bytes[44 + at] = UInt8(truncatingIfNeeded: checksum >> (24 - 8 * UInt32(at))) }
    return bytes
  }

  static func bytes(_ count: Int, seed: UInt64) -> [UInt8] {
    var generator = SeededGenerator(seed: seed)
    return (0..<count).map { _ in UInt8.random(in: 0...255, using: &generator) }
  }
}

/// An assembler whose changes can stand in an expectation.
@dynamicMemberLookup
final class AssemblyRig {
  var assembler: ObjectAssembler

  init(_ assembler: ObjectAssembler) { self.assembler = assembler }

  subscript<Value>(dynamicMember path: KeyPath<ObjectAssembler, Value>) -> Value { assembler[keyPath: path] }

  /// A packet by its bytes, in the frame `frame` of 2,048 bytes.
  @discardableResult
  func take(_ bytes: [UInt8], frame: UInt64 = 0, at now: UInt64 = 0) -> AssemblyOutcome {
    bytes.withUnsafeBytes {
      assembler.take(PayloadPacket(frame: frame, place: Int(frame) * 2_048, datagram: $0), at: now)
    }
  }

  @discardableResult
  func take(_ writer: PayloadWriter, _ sequence: Int, frame: UInt64 = 0, at now: UInt64 = 0)
    -> AssemblyOutcome
  {
    take(AssemblyCase.datagram(writer.header(of: sequence)), frame: frame, at: now)
  }

  func drained() -> [UInt64] {
    var frames: [UInt64] = []
    assembler.drainReleased { frames += Array($0) }
    return frames
  }

  func lent(_ name: ObjectName, limit: Int = .max) -> [PayloadPiece] {
    var pieces: [PayloadPiece] = []
    assembler.lend(name, limit: limit) { pieces.append($0) }
    return pieces
  }

  func object(_ name: ObjectName) -> PayloadObject? { assembler.object(name) }

  func giveBack(_ name: ObjectName, count: Int) -> Int { assembler.giveBack(name, count: count) }

  @discardableResult
  func finish(_ name: ObjectName, service: UInt64? = nil) -> Bool {
    assembler.finish(name, service: service)
  }

  func nextExpired(at now: UInt64) -> PayloadObject? { assembler.nextExpired(at: now) }
}
