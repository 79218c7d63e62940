/// The ones' complement sum of RFC 1071.
enum InternetChecksum {
  /// Adds the carries until the sum has 16 bits.
  @inline(__always)
  static func fold(_ sum: Int) -> Int {
    var sum = sum
    while sum >> 16 != 0 { sum = (sum & 0xffff) + (sum >> 16) }
    return sum
  }

  /// Sets the header checksum of the IPv4 packet at `packet`.
  @inline(__always)
  static func setIPv4Header(_ packet: UnsafeMutablePointer<UInt8>) {
    let bytes = Int(packet[0] & 15) * 4
    packet[10] = 0
    packet[11] = 0
    var sum = 0
    var offset = 0
    while offset < bytes {
      sum += packet.big16(at: offset)
      offset += 2
    }
    packet.putBig16(~fold(sum) & 0xffff, at: 10)
  }
}

/// Explicit congestion notification in the IP header (RFC 3168, section 5).
enum CongestionMark {
  /// Whether a packet is ECN-capable, or carries the mark already.
  @inline(__always)
  static func fits(_ packet: UnsafePointer<UInt8>) -> Bool {
    switch packet[0] >> 4 {
    case 4: packet[1] & 3 != 0
    // The traffic class lies across two bytes; its two low bits are bits 5 and 4 of the second.
    case 6: packet[1] & 0x30 != 0
    default: false
    }
  }

  /// Sets Congestion Experienced on an ECN-capable packet; false when the packet is not ECN-capable.
  @inline(__always)
  static func set(_ packet: UnsafeMutablePointer<UInt8>) -> Bool {
    guard fits(packet) else { return false }
    if packet[0] >> 4 == 4 {
      packet[1] |= 3
      InternetChecksum.setIPv4Header(packet)
    } else {
      packet[1] |= 0x30
    }
    return true
  }
}
