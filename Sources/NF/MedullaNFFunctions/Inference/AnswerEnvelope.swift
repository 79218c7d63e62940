import CMedullaABI

/// The headers of a datagram, turned: an answer goes back the way that the object came.
package struct AnswerEnvelope: Sendable, Equatable {
  /// Ethernet, IPv4 and UDP, with source and destination in each other's place.
  let headers: [UInt8]
  private static let ethernet = 14

  /// nil: no datagram of IPv4 without options and VLAN tags; such get no answer.
  package init?(_ frame: UnsafeRawBufferPointer) {
    var packet = medulla_packet()
    guard let start = frame.baseAddress, medulla_parse(start, start + frame.count, &packet) == 0,
      packet.key.protocol == UInt8(PACKET_UDP), packet.network == Self.ethernet,
      packet.header == Self.ethernet + 28, frame.count >= Int(packet.header)
    else { return nil }
    var headers = Array(frame.prefix(Int(packet.header)))
    func swap(_ one: Int, _ other: Int, _ count: Int) {
      for index in 0..<count { headers.swapAt(one + index, other + index) }
    }
    swap(0, 6, 6)
    swap(26, 30, 4)
    swap(34, 36, 2)
    self.headers = headers
  }

  /// Writes the headers for a payload of so many bytes.
  ///
  /// - Returns: bytes of the headers; nil: there is no room.
  func write(to frame: UnsafeMutableRawBufferPointer, payload: Int) -> Int? {
    guard frame.count >= headers.count + payload, payload + 28 <= 0xffff else { return nil }
    frame.copyBytes(from: headers)
    func store(_ value: Int, _ at: Int) {
      frame.storeBytes(of: UInt16(truncatingIfNeeded: value).bigEndian, toByteOffset: at, as: UInt16.self)
    }
    store(payload + 28, 16)
    store(payload + 8, 38)
    // 0: the sender has made none, which UDP over IPv4 allows (RFC 768).
    store(0, 40)
    frame[22] = 64
    store(0, 24)
    var sum = 0
    for at in stride(from: Self.ethernet, to: Self.ethernet + 20, by: 2) {
      sum += Int(frame[at]) << 8 | Int(frame[at + 1])
    }
    while sum >> 16 != 0 { sum = sum & 0xffff + sum >> 16 }
    store(~sum, 24)
    return headers.count
  }
}
