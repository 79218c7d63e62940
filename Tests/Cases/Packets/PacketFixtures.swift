import Testing

/// Frames by their parts, and what is to be seen of each.
package struct PacketFixture: Sendable, CustomTestStringConvertible {
  /// What `medulla_parse` must say.
  package struct Seen: Equatable, Sendable {
    package var version: UInt8
    package var `protocol`: UInt8
    package var sourcePort: UInt16
    package var destinationPort: UInt16
    package var payload: UInt32
    package var begins: Bool
    package var ends: Bool
    package var resets: Bool

    package init(
      version: UInt8, protocol: UInt8, sourcePort: UInt16 = 0, destinationPort: UInt16 = 0, payload: UInt32,
      begins: Bool = true, ends: Bool = false, resets: Bool = false
    ) {
      (self.version, self.protocol, self.payload) = (version, `protocol`, payload)
      (self.sourcePort, self.destinationPort) = (sourcePort, destinationPort)
      (self.begins, self.ends, self.resets) = (begins, ends, resets)
    }
  }

  package let name: String
  package let bytes: [UInt8]
  /// nil: no flow.
  package let seen: Seen?
  /// Bytes that must be there for the flow to be seen.
  package let headers: Int
  package var segment = 0

  package var testDescription: String { name }

  package init(_ name: String, _ bytes: [UInt8], seen: Seen? = nil, headers: Int = 0, segment: Int = 0) {
    self.name = name
    self.bytes = bytes
    self.seen = seen
    self.headers = headers
    self.segment = segment
  }
}

/// The parts, in the network's order of bytes.
package enum Wire {
  package static let payload = [UInt8](repeating: 0xab, count: 32)

  package static func word(_ value: Int) -> [UInt8] { [UInt8(value >> 8 & 0xff), UInt8(value & 0xff)] }

  package static func ethernet(_ type: Int, tags: [Int] = []) -> [UInt8] {
    let tagged = tags.flatMap { word($0) + word(7) }
    return [2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2] + tagged + word(type)
  }

  package static func four(
    _ protocol: UInt8, bytes: Int, options: [UInt8] = [], fragment: Int = 0, version: Int = 4,
    total: Int? = nil
  ) -> [UInt8] {
    let length = 20 + options.count
    return [UInt8(version << 4 | length / 4), 0] + word(total ?? length + bytes) + word(1) + word(fragment)
      + [64, `protocol`, 0, 0, 10, 0, 0, 1, 10, 0, 0, 2] + options
  }

  package static func six(_ next: UInt8, bytes: Int, version: Int = 6) -> [UInt8] {
    let host = [UInt8](repeating: 0, count: 13)
    return [UInt8(version << 4), 0, 0, 0] + word(bytes) + [next, 64] + [0xfd, 0] + host + [1] + [0xfd, 0]
      + host
      + [2]
  }

  /// Of IPv6, eight bytes each, by what comes next.
  package static func extensions(_ next: [UInt8]) -> [UInt8] { next.flatMap { [$0, 0, 0, 0, 0, 0, 0, 0] } }

  package static func udp(_ bytes: Int) -> [UInt8] { word(4_660) + word(53) + word(8 + bytes) + word(0) }

  /// flags: FIN 1, SYN 2, RST 4, ACK 16.
  package static func tcp(flags: UInt8, options: [UInt8] = [], words: Int? = nil) -> [UInt8] {
    let size = words ?? (20 + options.count) / 4
    return word(4_660) + word(443) + [0, 0, 0, 1, 0, 0, 0, 2, UInt8(size << 4), flags] + word(512) + word(0)
      + word(0) + options
  }
}

extension PacketFixture {
  private typealias W = Wire

  private static func udp(_ version: UInt8) -> Seen {
    Seen(version: version, protocol: 17, sourcePort: 4_660, destinationPort: 53, payload: 32)
  }

  private static func tcp(
    _ version: UInt8, payload: UInt32, begins: Bool, ends: Bool = false, resets: Bool = false
  ) -> Seen {
    Seen(
      version: version, protocol: 6, sourcePort: 4_660, destinationPort: 443, payload: payload,
      begins: begins,
      ends: ends, resets: resets)
  }

  private static let noOperations = [UInt8](repeating: 1, count: 12)
  private static let datagram = W.udp(32) + W.payload
  private static let segment = W.tcp(flags: 16) + W.payload

  package static let plain: [PacketFixture] = [
    PacketFixture(
      "IPv4, UDP", W.ethernet(0x0800) + W.four(17, bytes: 40) + datagram, seen: udp(4), headers: 42),
    PacketFixture(
      "IPv4 with options, UDP", W.ethernet(0x0800) + W.four(17, bytes: 40, options: noOperations) + datagram,
      seen: udp(4), headers: 54),
    PacketFixture(
      "IPv4 with as many options as there can be",
      W.ethernet(0x0800) + W.four(17, bytes: 40, options: [UInt8](repeating: 1, count: 40)) + datagram,
      seen: udp(4), headers: 82),
    PacketFixture(
      "IPv6 and nothing behind it", W.ethernet(0x86dd) + W.six(59, bytes: 0),
      seen: Seen(version: 6, protocol: 59, payload: 0), headers: 54),
    PacketFixture(
      "IPv6, the first protocol that no set of 64 has", W.ethernet(0x86dd) + W.six(64, bytes: 32) + W.payload,
      seen: Seen(version: 6, protocol: 64, payload: 32), headers: 54),
    PacketFixture(
      "IPv4, TCP data", W.ethernet(0x0800) + W.four(6, bytes: 52) + segment,
      seen: tcp(4, payload: 32, begins: true), headers: 54),
    PacketFixture(
      "IPv4, TCP options and no data",
      W.ethernet(0x0800) + W.four(6, bytes: 32) + W.tcp(flags: 16, options: noOperations),
      seen: tcp(4, payload: 0, begins: false), headers: 54),
    PacketFixture(
      "IPv4, SYN", W.ethernet(0x0800) + W.four(6, bytes: 20) + W.tcp(flags: 2),
      seen: tcp(4, payload: 0, begins: true), headers: 54),
    PacketFixture(
      "IPv4, FIN", W.ethernet(0x0800) + W.four(6, bytes: 20) + W.tcp(flags: 17),
      seen: tcp(4, payload: 0, begins: false, ends: true), headers: 54),
    PacketFixture(
      "IPv4, RST", W.ethernet(0x0800) + W.four(6, bytes: 20) + W.tcp(flags: 4),
      seen: tcp(4, payload: 0, begins: false, ends: true, resets: true), headers: 54),
    PacketFixture(
      "IPv4, ICMP", W.ethernet(0x0800) + W.four(1, bytes: 32) + W.payload,
      seen: Seen(version: 4, protocol: 1, payload: 32), headers: 34),
    PacketFixture(
      "IPv6, UDP", W.ethernet(0x86dd) + W.six(17, bytes: 40) + datagram, seen: udp(6), headers: 62),
    PacketFixture(
      "IPv6, TCP data", W.ethernet(0x86dd) + W.six(6, bytes: 52) + segment,
      seen: tcp(6, payload: 32, begins: true), headers: 74),
    PacketFixture(
      "IPv4, padded to Ethernet's least", W.ethernet(0x0800) + W.four(17, bytes: 8) + W.udp(0) + W.payload,
      seen: Seen(version: 4, protocol: 17, sourcePort: 4_660, destinationPort: 53, payload: 0), headers: 42),
  ]

  package static let others: [PacketFixture] =
    [
      PacketFixture("ARP", W.ethernet(0x0806) + W.payload),
      PacketFixture(
        "three VLAN tags",
        W.ethernet(0x0800, tags: [0x88a8, 0x88a8, 0x8100]) + W.four(17, bytes: 40) + datagram),
      PacketFixture(
        "IPv4, a header too short", W.ethernet(0x0800) + [0x44] + W.four(17, bytes: 40)[1...] + datagram),
      PacketFixture(
        "IPv4 that says version 6", W.ethernet(0x0800) + W.four(17, bytes: 40, version: 6) + datagram),
      PacketFixture(
        "a later IPv4 fragment", W.ethernet(0x0800) + W.four(17, bytes: 40, fragment: 0x00b9) + datagram),
      PacketFixture(
        "the last IPv4 fragment", W.ethernet(0x0800) + W.four(17, bytes: 40, fragment: 0x0001) + datagram),
      PacketFixture(
        "TCP with a header of 16 bytes",
        W.ethernet(0x0800) + W.four(6, bytes: 52) + W.tcp(flags: 16, words: 4)
          + W.payload),
      PacketFixture(
        "IPv6 that says version 4", W.ethernet(0x86dd) + W.six(17, bytes: 40, version: 4) + datagram),
    ]
    + [
      PacketFixture(
        "a later IPv6 fragment",
        W.ethernet(0x86dd) + W.six(44, bytes: 48) + [17, 0, 0, 8, 0, 0, 0, 1] + datagram),
      PacketFixture(
        "IPv6 with a mobility header",
        W.ethernet(0x86dd) + W.six(135, bytes: 48) + W.extensions([17]) + datagram),
      PacketFixture(
        "IPv6 with seven extension headers",
        W.ethernet(0x86dd) + W.six(0, bytes: 96) + W.extensions([60, 60, 60, 60, 60, 60, 17]) + datagram),
    ]

  /// Behind tags and extension headers.
  package static let behind: [PacketFixture] =
    [
      PacketFixture(
        "VLAN", W.ethernet(0x0800, tags: [0x8100]) + W.four(17, bytes: 40) + datagram, seen: udp(4),
        headers: 46),
      PacketFixture(
        "QinQ", W.ethernet(0x0800, tags: [0x88a8, 0x8100]) + W.four(17, bytes: 40) + datagram,
        seen: udp(4), headers: 50),
      PacketFixture(
        "VLAN, IPv6, TCP data", W.ethernet(0x86dd, tags: [0x8100]) + W.six(6, bytes: 52) + segment,
        seen: tcp(6, payload: 32, begins: true), headers: 78),
      PacketFixture(
        "IPv6 with six extension headers",
        W.ethernet(0x86dd) + W.six(0, bytes: 88) + W.extensions([60, 60, 60, 60, 60, 17]) + datagram,
        seen: udp(6), headers: 110),
      PacketFixture(
        "IPv6 with an extension header and nothing behind it",
        W.ethernet(0x86dd) + W.six(60, bytes: 8) + W.extensions([59]),
        seen: Seen(version: 6, protocol: 59, payload: 0), headers: 62),
      PacketFixture(
        "IPv6 with an extension header of 24 bytes",
        W.ethernet(0x86dd) + W.six(60, bytes: 64) + [17, 2] + [UInt8](repeating: 0, count: 22) + datagram,
        seen: udp(6), headers: 86),
      PacketFixture(
        "IPv6 with an authentication header of 24 bytes",
        W.ethernet(0x86dd) + W.six(51, bytes: 76) + [6, 4] + [UInt8](repeating: 0, count: 22) + segment,
        seen: tcp(6, payload: 32, begins: true), headers: 98),
    ]
    + [0, 43, 44, 51, 60].map { next in
      PacketFixture(
        "IPv6 with extension header \(next)",
        W.ethernet(0x86dd) + W.six(UInt8(next), bytes: 48) + W.extensions([17]) + datagram, seen: udp(6),
        headers: 70)
    }

  package static let large: [PacketFixture] = [
    PacketFixture(
      "the first IPv4 fragment", W.ethernet(0x0800) + W.four(17, bytes: 40, fragment: 0x2000) + datagram,
      seen: udp(4), headers: 42),
    PacketFixture(
      "IPv4, a packet of many segments", W.ethernet(0x0800) + W.four(6, bytes: 52, total: 60_040) + segment,
      seen: tcp(4, payload: 60_000, begins: true), headers: 54, segment: 8),
    PacketFixture(
      "IPv4, more segments than the length can say",
      W.ethernet(0x0800) + W.four(6, bytes: 52, total: 0) + segment,
      seen: tcp(4, payload: 65_496, begins: true), headers: 54, segment: 8),
  ]

  package static let all = plain + behind + others + large
}
