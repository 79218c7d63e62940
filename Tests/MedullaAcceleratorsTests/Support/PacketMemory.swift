import Glibc
import MedullaBase
import MedullaPayload

/// A packet memory of frames with random bytes, as an AF_XDP UMEM lies.
final class PacketMemory: @unchecked Sendable {
  static let frameBytes = 2_048
  let frames: Int
  let bytes: UnsafeMutableRawBufferPointer
  private let mapping: UnsafeMutableRawPointer

  init(frames: Int, seed: UInt64) {
    self.frames = frames
    let count = frames * Self.frameBytes
    mapping = mmap(nil, count, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0)
    precondition(mapping != MAP_FAILED, "memory for frames")
    bytes = UnsafeMutableRawBufferPointer(start: mapping, count: count)
    var generator = SeededGenerator(seed: seed)
    for offset in stride(from: 0, to: count, by: 8) {
      bytes.storeBytes(of: generator.next(), toByteOffset: offset, as: UInt64.self)
    }
  }

  deinit { munmap(mapping, bytes.count) }

  /// What may be read of it from now on, as in a process that was given a sealed mapping.
  func protect() { mprotect(mapping, bytes.count, PROT_READ) }

  var readable: UnsafeRawBufferPointer { UnsafeRawBufferPointer(bytes) }

  /// An object in packets of `payload` bytes that lie in random frames, `headroom` bytes in.
  func pieces(
    of objectBytes: Int, payload: Int, headroom: Int, using generator: inout SeededGenerator
  ) -> [PayloadPiece] {
    var order = Array(0..<frames)
    order.shuffle(using: &generator)
    return stride(from: 0, to: objectBytes, by: payload).enumerated().map { index, destination in
      PayloadPiece(
        source: order[index % frames] * Self.frameBytes + headroom, destination: destination,
        length: min(payload, objectBytes - destination))
    }
  }

  /// Pieces of any length and place, which leave gaps and never overlap in the object.
  func scattered(upTo objectBytes: Int, using generator: inout SeededGenerator) -> [PayloadPiece] {
    var pieces: [PayloadPiece] = []
    var destination = Int.random(in: 0..<20, using: &generator)
    while true {
      let length = Int.random(in: 0...1_500, using: &generator)
      guard destination + length <= objectBytes else { return pieces.shuffled(using: &generator) }
      let source = Int.random(in: 0...(bytes.count - length), using: &generator)
      pieces.append(PayloadPiece(source: source, destination: destination, length: length))
      destination += length + (generator.chance(0.3) ? Int.random(in: 0..<40, using: &generator) : 0)
    }
  }

  /// The object as it must become, over what was there.
  func expected(_ pieces: [PayloadPiece], over before: [UInt8]) -> [UInt8] {
    var object = before
    for piece in pieces {
      object.replaceSubrange(
        piece.destination..<piece.destination + piece.length,
        with: bytes[piece.source..<piece.source + piece.length])
    }
    return object
  }
}
