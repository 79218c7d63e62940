import CHost
import MedullaBase
import Testing

@testable import MedullaPayload

@Suite("Headers of pieces")
struct PayloadHeaderTests {
  private static let header = PayloadHeader(
    kind: .imageUInt8, stream: 0x0102_0304, object: 0x1122_3344_5566_7788, sequence: 2, total: 4, offset: 64,
    length: 32, size: 100, digest: 0xDEAD_BEEF)

  private func cause(_ bytes: [UInt8]) -> PacketCause? {
    bytes.withUnsafeBytes { bytes -> PacketCause? in
      do throws(PacketCause) {
        _ = try PayloadHeader(bytes)
        return nil
      } catch {
        return error
      }
    }
  }

  @Test("what is written is read again, with a digest and without one, for each kind")
  func roundTrip() throws {
    for kind in PayloadKind.allCases {
      for digest in [nil, 0, 7] as [UInt32?] {
        var header = Self.header
        header.kind = kind
        header.digest = digest
        let bytes = AssemblyCase.datagram(header)
        #expect(try bytes.withUnsafeBytes { try PayloadHeader($0) } == header)
      }
    }
  }

  @Test("the bytes are those of the wire format's page")
  func layout() {
    let bytes = AssemblyCase.datagram(Self.header)
    #expect(
      bytes.prefix(44) == [
        0x4D, 0x44, 0x50, 0x4C, 1, 2, 0, 32, 1, 2, 3, 4, 0, 0, 0, 2, 0x11, 0x22, 0x33, 0x44, 0x55, 0x66, 0x77,
        0x88, 0, 0, 0, 4, 0, 0, 0, 64, 0, 0, 0, 100, 0xDE, 0xAD, 0xBE, 0xEF, 0, 0, 0, 1,
      ])
  }

  static let refusals: [(cause: PacketCause, at: Int, value: [UInt8])] = [
    (.badMagic, 0, [0x4E]), (.badVersion, 4, [2]), (.badKind, 5, [0]), (.badKind, 5, [5]),
    (.badFlags, 40, [1]), (.badFlags, 43, [3]), (.badFlags, 43, [0]), (.empty, 6, [0, 0]),
    (.empty, 27, [0]), (.empty, 32, [0, 0, 0, 0]), (.wrongLength, 7, [31]), (.wrongLength, 7, [33]),
    (.beyondObject, 28, [0, 0, 0, 69]), (.beyondObject, 28, [0xFF, 0xFF, 0xFF, 0xFF]), (.wrongPlace, 15, [4]),
    (.wrongPlace, 12, [0xFF]),
  ]

  @Test("a header that cannot be is refused by its cause, though its checksum is right", arguments: refusals)
  func refusal(cause expected: PacketCause, at: Int, value: [UInt8]) {
    let bytes = AssemblyCase.datagram(Self.header) {
      $0.replaceSubrange(at..<(at + value.count), with: value)
    }
    #expect(cause(bytes) == expected)
  }

  @Test("a datagram without a whole header is short")
  func short() {
    let bytes = AssemblyCase.datagram(Self.header)
    for count in 0..<PayloadHeader.bytes { #expect(cause(Array(bytes.prefix(count))) == .short) }
  }

  @Test("each corruption of one bit or two is found")
  func corruption() {
    let bytes = AssemblyCase.datagram(Self.header)
    let bits = PayloadHeader.bytes * 8
    var missed = 0
    for first in 0..<bits {
      var one = bytes
      one[first / 8] ^= 1 << UInt8(first % 8)
      missed += cause(one) == nil ? 1 : 0
      for second in (first + 1)..<bits {
        var two = one
        two[second / 8] ^= 1 << UInt8(second % 8)
        missed += cause(two) == nil ? 1 : 0
      }
    }
    #expect(missed == 0)
  }

  @Test("the checksum is CRC-32C, in parts as in one, by the instruction as without it")
  func checksum() {
    let digits = Array("123456789".utf8)
    #expect(digits.withUnsafeBytes { PayloadDigest.of($0) } == 0xE306_9283)
    for count in [0, 1, 7, 8, 9, 44, 1_000] {
      let bytes = AssemblyCase.bytes(count, seed: UInt64(count))
      bytes.withUnsafeBytes { bytes -> Void in
        let whole = PayloadDigest.of(bytes)
        #expect(whole == medulla_crc32c_plain(0, bytes.baseAddress, bytes.count))
        for cut in [0, count / 3, count] {
          var digest = PayloadDigest()
          digest.add(UnsafeRawBufferPointer(rebasing: bytes[..<cut]))
          digest.add(UnsafeRawBufferPointer(rebasing: bytes[cut...]))
          #expect(digest.value == whole)
        }
      }
    }
  }

  @Test("an object is cut into pieces that cover it once, as the paper's images into 2,352 of 256 bytes")
  func writer() throws {
    let image = try PayloadWriter(
      kind: .imageFloat32, stream: 1, object: 1, size: 224 * 224 * 3 * 4, pieceSize: 256)
    #expect(image.packets == 2_352)
    for (size, piece) in [(1, 1), (1, 9), (9, 9), (10, 9), (18, 9), (100, 32), (602_112, 1_024)] {
      let object = AssemblyCase.bytes(size, seed: UInt64(size))
      let writer = try PayloadWriter(kind: .bytes, stream: 1, object: 1, size: size, pieceSize: piece)
      var whole: [UInt8] = []
      for sequence in 0..<writer.packets {
        var datagram = [UInt8](repeating: 0, count: 2_048)
        let count = datagram.withUnsafeMutableBytes { room in
          object.withUnsafeBytes { writer.write(sequence, of: $0, to: room) }
        }
        let header = try datagram.prefix(count).withUnsafeBytes { try PayloadHeader($0) }
        #expect(header.pieceSize.map { Int($0) >= Int(header.length) } == true)
        #expect(Int(header.offset) == whole.count)
        whole += datagram[PayloadHeader.bytes..<count]
      }
      #expect(whole == object)
    }
  }

  @Test("an object without bytes, or packets without or with too many, cannot be written")
  func writerRefusals() {
    for (size, piece) in [(0, 1), (Int(UInt32.max) + 1, 1_024), (1, 0), (1, 65_536), (-1, 1)] {
      #expect(throws: PayloadError.self) {
        try PayloadWriter(kind: .bytes, stream: 1, object: 1, size: size, pieceSize: piece)
      }
    }
  }
}
