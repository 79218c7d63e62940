/// A header read byte by byte, as the page of the wire format has it.
struct PlainHeader: Equatable {
  var kind = 4
  var length = 0
  var stream = 0
  var sequence = 0
  var object = 0
  var total = 0
  var offset = 0
  var size = 0
  var digest = 0
  var flags = 0

  /// What of it holds for the whole object.
  var ofObject: [Int] { [kind, total, size, digest, flags] }

  /// Header and payload.
  func datagram(payload: [UInt8]) -> [UInt8] {
    var bytes: [UInt8] = []
    func add(_ value: Int, _ count: Int) {
      for byte in (0..<count).reversed() { bytes.append(UInt8(truncatingIfNeeded: value >> (8 * byte))) }
    }
    add(0x4D44_504C, 4)
    add(1, 1)
    add(kind, 1)
    add(length, 2)
    add(stream, 4)
    add(sequence, 4)
    add(object, 8)
    add(total, 4)
    add(offset, 4)
    add(size, 4)
    add(digest, 4)
    add(flags, 4)
    add(Self.checksum(bytes), 4)
    return bytes + payload
  }

  /// CRC-32C, bit by bit.
  static func checksum(_ bytes: some Sequence<UInt8>) -> Int {
    var rest: UInt32 = .max
    for byte in bytes {
      rest ^= UInt32(byte)
      for _ in 0..<8 { rest = rest & 1 == 1 ? rest >> 1 ^ 0x82F6_3B78 : rest >> 1 }
    }
    return Int(~rest)
  }
}
