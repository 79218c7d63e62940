import CMedullaABI

/// One direction of a flow: addresses, ports and protocol, as words.
package struct StreamKey: Hashable, Sendable, TableKey {
  private let words: (UInt64, UInt64, UInt64, UInt64, UInt64)

  package init(_ key: medulla_flow_key) {
    words = withUnsafeBytes(of: key) { bytes in
      func word(_ index: Int) -> UInt64 { bytes.loadUnaligned(fromByteOffset: 8 * index, as: UInt64.self) }
      return (word(0), word(1), word(2), word(3), word(4))
    }
  }

  package static func == (one: StreamKey, other: StreamKey) -> Bool { one.words == other.words }

  package func hash(into hasher: inout Hasher) {
    hasher.combine(words.0)
    hasher.combine(words.1)
    hasher.combine(words.2)
    hasher.combine(words.3)
    hasher.combine(words.4)
  }

  func mixed(with seed: UInt64) -> UInt64 {
    let source = folded(words.0 ^ seed, words.1 ^ 0xA076_1D64_78BD_642F)
    let destination = folded(words.2 ^ source, words.3 ^ 0xE703_7ED1_A0B4_28DB)
    return folded(destination ^ words.4, seed ^ 0x8EBC_6AF0_9C88_C6E3)
  }

  /// The flow as its packets have it.
  package var flow: medulla_flow_key {
    var key = medulla_flow_key()
    withUnsafeMutableBytes(of: &key) { bytes in
      for (index, word) in [words.0, words.1, words.2, words.3, words.4].enumerated() {
        bytes.storeBytes(of: word, toByteOffset: 8 * index, as: UInt64.self)
      }
    }
    return key
  }
}

/// What a frame says of a stream of bytes; its payload stays where it was received.
package struct StreamSegment: Sendable {
  package var key: StreamKey
  package var isTCP: Bool
  /// TCP's flags and sequence number.
  package var flags: UInt8
  package var sequence: UInt32
  /// The payload's first byte, counted from the frame's first.
  package var start: Int
  /// Bytes of payload.
  package var length: Int

  package init(key: StreamKey, isTCP: Bool, flags: UInt8, sequence: UInt32, start: Int, length: Int) {
    self.key = key
    self.isTCP = isTCP
    self.flags = flags
    self.sequence = sequence
    self.start = start
    self.length = length
  }

  /// Reads an Ethernet frame by the parser that the kernel's programs have.
  package init(_ frame: UnsafeRawBufferPointer) throws(StreamCause) {
    var packet = medulla_packet()
    guard let first = frame.baseAddress else { throw .noFlow }
    guard medulla_parse(first, first + frame.count, &packet) == 0 else {
      throw Self.isLaterFragment(frame) ? .fragment : .noFlow
    }
    guard !Self.isFragment(frame, network: Int(packet.network), transport: Int(packet.header)) else {
      throw .fragment
    }
    let isTCP = packet.key.protocol == PACKET_TCP
    guard isTCP || packet.key.protocol == PACKET_UDP else { throw .otherTransport }
    let (start, length) = (Int(packet.header), Int(packet.payload))
    guard start + length <= frame.count else { throw .cut }
    self.init(
      key: StreamKey(packet.key), isTCP: isTCP, flags: packet.flags, sequence: packet.sequence, start: start,
      length: length)
  }

  package func has(_ flag: Int32) -> Bool { flags & UInt8(truncatingIfNeeded: flag) != 0 }

  /// A packet of which the parser has read the flow, but which is the first part of several.
  private static func isFragment(_ frame: UnsafeRawBufferPointer, network: Int, transport: Int) -> Bool {
    if frame[network] >> 4 == 4 { return frame[network + 6] & 0x20 != 0 }
    return fragmentHeader(frame, network: network).map { frame[$0 + 3] & 1 != 0 } ?? false
  }

  /// Whether the parser has refused the frame because it is a later part.
  private static func isLaterFragment(_ frame: UnsafeRawBufferPointer) -> Bool {
    func word(_ at: Int) -> Int32 {
      at + 1 < frame.count ? Int32(frame[at]) << 8 | Int32(frame[at + 1]) : -1
    }
    var network = 14
    for _ in 0..<PACKET_VLAN_TAGS where [PACKET_VLAN, PACKET_QINQ].contains(word(network - 2)) {
      network += 4
    }
    switch word(network - 2) {
    case PACKET_IPV4: return word(network + 18) >= 0 && word(network + 6) & 0x1fff != 0
    case PACKET_IPV6:
      return fragmentHeader(frame, network: network).map { word($0 + 2) & 0xfff8 != 0 } ?? false
    default: return false
    }
  }

  /// Where IPv6's header of fragments lies, if there is one.
  private static func fragmentHeader(_ frame: UnsafeRawBufferPointer, network: Int) -> Int? {
    var at = network + Int(PACKET_IPV6_BYTES)
    guard at <= frame.count else { return nil }
    var kind = Int32(frame[network + 6])
    for _ in 0..<PACKET_EXTENSION_HEADERS {
      guard at + 8 <= frame.count else { return nil }
      switch kind {
      case PACKET_FRAGMENT: return at
      case PACKET_HOP_OPTIONS, PACKET_ROUTING, PACKET_DESTINATION_OPTIONS:
        kind = Int32(frame[at])
        at += 8 + 8 * Int(frame[at + 1])
      case PACKET_AUTHENTICATION:
        kind = Int32(frame[at])
        at += 8 + 4 * Int(frame[at + 1])
      default: return nil
      }
    }
    return nil
  }
}
