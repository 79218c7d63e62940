/// What stands before the payload of each packet of an object; `docs/reference/payload-header.md` has the
/// bytes.
///
/// 48 bytes in network byte order. With 14 bytes of Ethernet, 20 of IPv4 and 8 of UDP that is 90: a frame
/// that is received 6 bytes behind a multiple of 16 has its payload at a multiple of 16.
///
/// All pieces but the last have one size, which follows from any packet: place and length can then be checked
/// without a list of ranges, one bit for each packet says what is there, and no two pieces can overlap. Free
/// offsets would buy nothing: a sender cuts an object as its packets allow.
package struct PayloadHeader: Hashable, Sendable {
  package static let bytes = 48
  package static let magic: UInt32 = 0x4D44_504C
  package static let version: UInt8 = 1
  /// The object's digest is given; no other flag is known.
  static let digestFlag: UInt32 = 1

  package var kind: PayloadKind
  /// Bytes of payload in this packet.
  package var length: UInt16
  package var stream: UInt32
  /// The packet's place in the object, from 0.
  package var sequence: UInt32
  package var object: UInt64
  /// Packets of the object.
  package var total: UInt32
  /// The piece's place in the object, in bytes.
  package var offset: UInt32
  /// Bytes of the object.
  package var size: UInt32
  /// CRC-32C of the whole object; nil: the sender gave none.
  package var digest: UInt32?

  package init(
    kind: PayloadKind, stream: UInt32, object: UInt64, sequence: UInt32, total: UInt32, offset: UInt32,
    length: UInt16, size: UInt32, digest: UInt32? = nil
  ) {
    self.kind = kind
    self.stream = stream
    self.object = object
    self.sequence = sequence
    self.total = total
    self.offset = offset
    self.length = length
    self.size = size
    self.digest = digest
  }

  /// Reads and checks a datagram's header.
  ///
  /// The checksum finds every corruption of the header's 352 bits of up to five bits, of any odd number of
  /// bits, and of one burst of up to 32 bits (Koopman, "32-bit cyclic redundancy codes for Internet
  /// applications", 2002); of others it misses one in 2^32.
  ///
  /// - Parameter datagram: header and payload; the payload is not read.
  @inline(__always)
  package init(_ datagram: UnsafeRawBufferPointer) throws(PacketCause) {
    guard datagram.count >= Self.bytes else { throw .short }
    func word(_ at: Int) -> UInt32 {
      UInt32(bigEndian: datagram.loadUnaligned(fromByteOffset: at, as: UInt32.self))
    }
    guard word(0) == Self.magic else { throw .badMagic }
    let second = word(4)
    guard UInt8(truncatingIfNeeded: second >> 24) == Self.version else { throw .badVersion }
    guard word(44) == PayloadDigest.of(UnsafeRawBufferPointer(rebasing: datagram[..<44])) else {
      throw .badChecksum
    }
    guard let kind = PayloadKind(rawValue: UInt8(truncatingIfNeeded: second >> 16)) else { throw .badKind }
    let flags = word(40)
    guard flags & ~Self.digestFlag == 0, flags == Self.digestFlag || word(36) == 0 else { throw .badFlags }
    self.init(
      kind: kind, stream: word(8),
      object: UInt64(bigEndian: datagram.loadUnaligned(fromByteOffset: 16, as: UInt64.self)),
      sequence: word(12), total: word(24), offset: word(28), length: UInt16(truncatingIfNeeded: second),
      size: word(32), digest: flags == 0 ? nil : word(36))
    guard length > 0, size > 0, total > 0 else { throw .empty }
    guard datagram.count == Self.bytes + Int(length) else { throw .wrongLength }
    guard UInt64(offset) + UInt64(length) <= UInt64(size) else { throw .beyondObject }
    guard sequence < total else { throw .wrongPlace }
  }

  /// What a datagram whose header was checked says of its object's digest; nil: it gives none.
  @inline(__always)
  package static func digest(
    ofChecked datagram: UnsafeRawBufferPointer
  ) -> (value: UInt32, size: Int, offset: Int)? {
    func word(_ at: Int) -> UInt32 {
      UInt32(bigEndian: datagram.loadUnaligned(fromByteOffset: at, as: UInt32.self))
    }
    guard word(40) & digestFlag != 0 else { return nil }
    return (word(36), Int(word(32)), Int(word(28)))
  }

  /// Writes the header to the first 48 bytes.
  package func write(to bytes: UnsafeMutableRawBufferPointer) {
    precondition(bytes.count >= Self.bytes, "no room for a header")
    func store(_ word: UInt32, _ at: Int) {
      bytes.storeBytes(of: word.bigEndian, toByteOffset: at, as: UInt32.self)
    }
    store(Self.magic, 0)
    store(UInt32(Self.version) << 24 | UInt32(kind.rawValue) << 16 | UInt32(length), 4)
    store(stream, 8)
    store(sequence, 12)
    bytes.storeBytes(of: object.bigEndian, toByteOffset: 16, as: UInt64.self)
    store(total, 24)
    store(offset, 28)
    store(size, 32)
    store(digest ?? 0, 36)
    store(digest == nil ? 0 : Self.digestFlag, 40)
    store(PayloadDigest.of(UnsafeRawBufferPointer(rebasing: bytes[..<44])), 44)
  }

  /// Bytes of all pieces but the last; nil: sequence, offset, length, total and size do not agree.
  var pieceSize: UInt32? {
    let piece = sequence == 0 ? UInt32(length) : offset / sequence
    guard piece > 0, UInt64(total) == (UInt64(size) + UInt64(piece) - 1) / UInt64(piece),
      isPlaced(pieceSize: piece)
    else { return nil }
    return piece
  }

  /// Whether offset and length are those that the sequence has in an object with such pieces.
  @inline(__always)
  func isPlaced(pieceSize: UInt32) -> Bool {
    UInt64(offset) == UInt64(sequence) * UInt64(pieceSize) && UInt32(length) == min(pieceSize, size - offset)
  }
}
