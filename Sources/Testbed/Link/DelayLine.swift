/// Packets to and from one port that travel longer than the others: a server that is farther away.
package struct PortDelay: Codable, Equatable, Sendable {
  package var port: Int
  /// On top of the path's delay.
  package var extraNanoseconds: UInt64

  package init(port: Int, extraNanoseconds: UInt64) {
    (self.port, self.extraNanoseconds) = (port, extraNanoseconds)
  }

  var isValid: Bool {
    (1...65_535).contains(port) && (1...LinkLimits.delayNanoseconds).contains(extraNanoseconds)
  }

  /// Whether a TCP or UDP packet of `length` bytes has the port at one of its ends. Fragments and IPv6's
  /// extension headers are not looked into.
  func concerns(_ packet: UnsafePointer<UInt8>, length: Int) -> Bool {
    guard length >= 20 else { return false }
    let version = packet[0] >> 4
    let header = version == 4 ? Int(packet[0] & 15) * 4 : 40
    guard version == 4 || version == 6, length >= header + 4 else { return false }
    let isFragment = version == 4 && packet.big16(at: 6) & 0x1fff != 0
    let transport = packet[version == 4 ? 9 : 6]
    guard !isFragment, transport == 6 || transport == 17 else { return false }
    return packet.big16(at: header) == port || packet.big16(at: header + 2) == port
  }
}

/// Packets on their way, in order: none overtakes another, also where its own time would be shorter.
struct DelayLine {
  private var packets = PacketList()
  /// When the last one is due: a shorter delay must not let a later one overtake it.
  private var lastDue: UInt64 = 0

  @inline(__always)
  var first: PacketPointer? { packets.first }

  @inline(__always)
  mutating func append(_ packet: PacketPointer, due: UInt64) {
    lastDue = max(lastDue, due)
    packet.pointee.time = lastDue
    packets.append(packet)
  }

  @inline(__always)
  mutating func removeFirst() -> PacketPointer? { packets.removeFirst() }
}
