import Glibc
import MedullaBase
import MedullaPayload

/// A packet memory to check a device with: frames in shared memory, mapped once for writing and once only for
/// reading, as a network function has it.
final class CheckMemory {
  static let frameBytes = 2_048
  static let headroom = 64
  let frames: Int
  private let writable: UnsafeMutableRawPointer
  private let mapping: UnsafeMutableRawPointer

  var byteCount: Int { frames * Self.frameBytes }
  /// For reading alone.
  var readable: UnsafeRawBufferPointer { UnsafeRawBufferPointer(start: mapping, count: byteCount) }
  /// The same memory where it can be written, for devices that need that.
  var whole: UnsafeRawBufferPointer { UnsafeRawBufferPointer(start: writable, count: byteCount) }

  init(frames: Int, seed: UInt64) throws(AcceleratorError) {
    self.frames = frames
    let bytes = frames * Self.frameBytes
    // Two checks of one process may be at it at once.
    let name = "/medulla-gpu-check-\(getpid())-\(UInt32.random(in: 0 ... .max))"
    let descriptor = shm_open(name, O_RDWR | O_CREAT | O_EXCL, 0o600)
    shm_unlink(name)
    defer { if descriptor >= 0 { close(descriptor) } }
    guard descriptor >= 0, ftruncate(descriptor, bytes) == 0,
      let first = mmap(nil, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, descriptor, 0), first != MAP_FAILED
    else { throw Self.failure(bytes) }
    guard let second = mmap(nil, bytes, PROT_READ, MAP_SHARED, descriptor, 0), second != MAP_FAILED else {
      munmap(first, bytes)
      throw Self.failure(bytes)
    }
    (writable, mapping) = (first, second)
    var generator = SeededGenerator(seed: seed)
    for offset in stride(from: 0, to: bytes, by: 8) {
      writable.storeBytes(of: generator.next(), toByteOffset: offset, as: UInt64.self)
    }
  }

  private static func failure(_ bytes: Int) -> AcceleratorError {
    AcceleratorError(
      .outOfMemory, "no \(bytes) bytes of shared memory", cause: String(cString: strerror(errno)),
      remedy: "make room in /dev/shm")
  }

  deinit {
    munmap(writable, byteCount)
    munmap(mapping, byteCount)
  }

  /// An object in packets of `payload` bytes, in frames by a random order.
  func pieces(of bytes: Int, payload: Int, using generator: inout SeededGenerator) -> [PayloadPiece] {
    var order = Array(0..<frames)
    order.shuffle(using: &generator)
    return stride(from: 0, to: bytes, by: payload).enumerated().map { index, destination in
      PayloadPiece(
        source: order[index % frames] * Self.frameBytes + Self.headroom, destination: destination,
        length: min(payload, bytes - destination))
    }
  }

  /// Bytes of an object that are not what its pieces have.
  func wrongBytes(in object: [UInt8], _ pieces: [PayloadPiece]) -> Int {
    pieces.reduce(0) { wrong, piece in
      let expected = readable[piece.source..<piece.source + piece.length]
      let given = object[piece.destination..<piece.destination + piece.length]
      return given.elementsEqual(expected) ? wrong : wrong + zip(given, expected).count { $0 != $1 }
    }
  }
}
