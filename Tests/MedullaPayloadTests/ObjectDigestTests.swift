import CHost
import MedullaBase
import Testing

@testable import MedullaPayload

@Suite("Digests of objects in pieces")
struct ObjectDigestTests {
  private static let sizes = [1, 7, 8, 9, 255, 1_000, 4_097, 70_000]

  private static func digest(_ bytes: [UInt8], _ pieces: [Range<Int>]) -> UInt32 {
    var digest = ObjectDigest(size: bytes.count)
    for piece in pieces {
      bytes.withUnsafeBytes { digest.add(UnsafeRawBufferPointer(rebasing: $0[piece]), at: piece.lowerBound) }
    }
    return digest.value
  }

  @Test("pieces in any order give the checksum of the whole", arguments: sizes)
  func anyOrder(_ size: Int) {
    let seed = UInt64.random(in: .min ... .max)
    var generator = SeededGenerator(seed: seed)
    let bytes = (0..<size).map { _ in UInt8.random(in: 0...255, using: &generator) }
    let whole = bytes.withUnsafeBytes { PayloadDigest.of($0) }
    for _ in 0..<20 {
      let piece = Int.random(in: 1...max(1, size / 3 + 1), using: &generator)
      let pieces = stride(from: 0, to: size, by: piece).map { $0..<min($0 + piece, size) }
      #expect(Self.digest(bytes, pieces) == whole, "seed \(seed)")
      #expect(Self.digest(bytes, pieces.reversed()) == whole, "seed \(seed)")
      #expect(Self.digest(bytes, pieces.shuffled(using: &generator)) == whole, "seed \(seed)")
    }
  }

  @Test("any byte that is another, and pieces that have changed places, give another checksum")
  func changed() {
    let seed = UInt64.random(in: .min ... .max)
    var generator = SeededGenerator(seed: seed)
    let bytes = (0..<600).map { _ in UInt8.random(in: 0...255, using: &generator) }
    let pieces = stride(from: 0, to: 600, by: 100).map { $0..<($0 + 100) }.shuffled(using: &generator)
    let whole = Self.digest(bytes, pieces)
    for place in bytes.indices {
      var other = bytes
      other[place] ^= UInt8.random(in: 1...255, using: &generator)
      #expect(Self.digest(other, pieces) != whole, "seed \(seed), byte \(place)")
    }
    #expect(Self.digest(Array(bytes[100..<200] + bytes[..<100] + bytes[200...]), pieces) != whole)
  }

  @Test(
    "a remainder behind zeros is what the zeros themselves give", arguments: [0, 1, 2, 3, 64, 1_025, 65_536])
  func zeros(_ count: Int) {
    let zeros = [UInt8](repeating: 0, count: count)
    for rest in [1, 0x8000_0000, 0xDEAD_BEEF, .max] as [UInt32] {
      #expect(medulla_crc32c_shift(rest, UInt32(count)) == ~medulla_crc32c_plain(~rest, zeros, count))
    }
  }

  @Test("zeros add up, for as many as an object can have")
  func many() {
    let seed = UInt64.random(in: .min ... .max)
    var generator = SeededGenerator(seed: seed)
    for _ in 0..<200 {
      let first = UInt32.random(in: 0...(.max >> 1), using: &generator)
      let second = UInt32.random(in: 0...(.max >> 1), using: &generator)
      let rest = UInt32.random(in: .min ... .max, using: &generator)
      let apart = medulla_crc32c_shift(medulla_crc32c_shift(rest, first), second)
      #expect(medulla_crc32c_shift(rest, first + second) == apart, "seed \(seed)")
    }
  }
}
