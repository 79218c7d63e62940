/// Cuts an object into the payloads of datagrams.
package struct PayloadWriter: Sendable {
  package let kind: PayloadKind
  package let stream: UInt32
  package let object: UInt64
  package let size: Int
  /// Bytes of the object in each packet but the last. The header is not among them: 256 is a datagram of 304.
  package let pieceSize: Int
  package let digest: UInt32?

  /// - Throws: `badSetting` where an object cannot have such a size or be cut so.
  package init(
    kind: PayloadKind, stream: UInt32, object: UInt64, size: Int, pieceSize: Int, digest: UInt32? = nil
  ) throws(PayloadError) {
    guard (1...Int(UInt32.max)).contains(size) else {
      throw PayloadError(.badSetting, "an object has 1 to \(UInt32.max) bytes, not \(size)")
    }
    guard (1...Int(UInt16.max)).contains(pieceSize) else {
      throw PayloadError(.badSetting, "a packet carries 1 to \(UInt16.max) bytes, not \(pieceSize)")
    }
    self.kind = kind
    self.stream = stream
    self.object = object
    self.size = size
    self.pieceSize = pieceSize
    self.digest = digest
  }

  /// Packets of the object.
  package var packets: Int { (size + pieceSize - 1) / pieceSize }

  /// The bytes of the object that a packet carries.
  package func range(of sequence: Int) -> Range<Int> {
    precondition((0..<packets).contains(sequence), "an object of \(packets) packets has no \(sequence)")
    return sequence * pieceSize..<min((sequence + 1) * pieceSize, size)
  }

  package func header(of sequence: Int) -> PayloadHeader {
    let range = range(of: sequence)
    return PayloadHeader(
      kind: kind, stream: stream, object: object, sequence: UInt32(sequence), total: UInt32(packets),
      offset: UInt32(range.lowerBound), length: UInt16(range.count), size: UInt32(size), digest: digest)
  }

  /// Writes a datagram's payload: the header and its piece of the object's bytes.
  ///
  /// - Returns: bytes written.
  @discardableResult
  package func write(
    _ sequence: Int, of bytes: UnsafeRawBufferPointer, to datagram: UnsafeMutableRawBufferPointer
  ) -> Int {
    let range = range(of: sequence)
    precondition(bytes.count == size, "the object has \(size) bytes")
    precondition(datagram.count >= PayloadHeader.bytes + range.count, "no room for the packet")
    header(of: sequence).write(to: datagram)
    UnsafeMutableRawBufferPointer(rebasing: datagram[PayloadHeader.bytes...]).copyMemory(
      from: UnsafeRawBufferPointer(rebasing: bytes[range]))
    return PayloadHeader.bytes + range.count
  }
}
