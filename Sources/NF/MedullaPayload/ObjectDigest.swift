import CHost

/// CRC-32C of an object whose pieces come in any order, each once: they are read as they come, while they are
/// near, and not again.
///
/// A remainder is linear: that of the whole is the sum of those of its parts, each followed by as many zeros
/// as bytes come after it. Pieces that follow each other are one part, so that in order nothing is added up.
package struct ObjectDigest: Hashable, Sendable {
  private let size: Int
  /// Of all parts that have ended, with their zeros.
  private var sum: UInt32 = 0
  /// The remainder of the part that goes on, and where it ends.
  private var part: UInt32 = 0
  private var end = 0

  /// - Parameter size: bytes of the object.
  package init(size: Int) { self.size = size }

  /// Takes the bytes that lie at a place of the object; the last ones must not end behind it.
  package mutating func add(_ bytes: UnsafeRawBufferPointer, at place: Int) {
    if place != end {
      finishPart()
      part = 0
    }
    // Without the ones that a checksum begins and ends with.
    part = ~medulla_crc32c(~part, bytes.baseAddress, bytes.count)
    end = place + bytes.count
  }

  private mutating func finishPart() {
    sum ^= medulla_crc32c_shift(part, UInt32(truncatingIfNeeded: size - end))
  }

  /// The object's, once all of its bytes have come.
  package var value: UInt32 {
    var all = self
    all.finishPart()
    return ~(all.sum ^ medulla_crc32c_shift(.max, UInt32(truncatingIfNeeded: size)))
  }
}
