import CMedullaABI
import MedullaFlows

/// A frame of a capture whose flow has other addresses: to whoever sees it, another flow of the same kind.
package enum TurnedFrame {
  /// Networks of IPv4 that unicast addresses are moved among, by the first byte: 1 to 126.
  private static let networks = 126

  /// Moves the addresses by `turn`; ports and payload stay, and the checksums go with them. Addresses of
  /// groups stay as well.
  ///
  /// - Parameter frame: of Ethernet.
  /// - Returns: the flow's new key; nil: the frame is of no flow, and unchanged.
  package static func turn(_ frame: inout [UInt8], by turn: Int) -> FlowKey? {
    var packet = medulla_packet()
    guard frame.withUnsafeBytes({ LinkLayer.ethernet.parse($0, into: &packet) }) else { return nil }
    let network = Int(packet.network)
    let isFour = packet.key.version == 4
    let (first, length) = isFour ? (network + 12, 4) : (network + 8, 16)
    var delta = 0
    for address in [first, first + length] {
      let before = sum(frame[address..<address + length])
      if isFour { moveFour(&frame, at: address, by: turn) } else { moveSix(&frame, at: address, by: turn) }
      delta += sum(frame[address..<address + length]) - before
    }
    if isFour { mend(&frame, at: network + 10, by: delta) }
    if let checksum = transportChecksum(of: packet, in: frame) { mend(&frame, at: checksum, by: delta) }
    guard frame.withUnsafeBytes({ LinkLayer.ethernet.parse($0, into: &packet) }) else { return nil }
    medulla_turn(&packet)
    return FlowKey(packet.key)
  }

  private static func moveFour(_ frame: inout [UInt8], at address: Int, by turn: Int) {
    let network = Int(frame[address])
    guard (1..<224).contains(network) else { return }
    // Two networks would become one; the byte after keeps them apart.
    if network > networks { frame[address + 1] ^= 0x80 }
    frame[address] = UInt8(1 + (network - 1 + turn) % networks)
  }

  private static func moveSix(_ frame: inout [UInt8], at address: Int, by turn: Int) {
    guard frame[address] != 0xff else { return }
    frame[address + 7] ^= UInt8(truncatingIfNeeded: turn)
  }

  /// Where it is; nil: the packet has none, or it lies behind what is cut off.
  private static func transportChecksum(of packet: medulla_packet, in frame: [UInt8]) -> Int? {
    let network = Int(packet.network)
    let isFour = packet.key.version == 4
    let header = isFour ? Int(frame[network] & 15) * 4 : 40
    // Behind extension headers it is left as it is: nobody on the way looks at it.
    guard isFour || frame[network + 6] == packet.key.protocol else { return nil }
    let place: Int
    switch packet.key.protocol {
    case 6: place = network + header + 16
    case 17: place = network + header + 6
    default: return nil
    }
    guard place + 1 < frame.count else { return nil }
    // A datagram without one.
    if packet.key.protocol == 17, frame[place] == 0, frame[place + 1] == 0 { return nil }
    return place
  }

  private static func sum(_ bytes: ArraySlice<UInt8>) -> Int {
    stride(from: bytes.startIndex, to: bytes.endIndex - 1, by: 2).reduce(0) {
      $0 + Int(bytes[$1]) << 8 + Int(bytes[$1 + 1])
    }
  }

  /// Changes a checksum as RFC 1624 has it: HC' = ~(~HC + ~m + m').
  private static func mend(_ frame: inout [UInt8], at place: Int, by delta: Int) {
    let before = Int(frame[place]) << 8 + Int(frame[place + 1])
    var sum = (~before & 0xffff) + delta
    while sum < 0 { sum += 0xffff }
    while sum >> 16 != 0 { sum = sum & 0xffff + sum >> 16 }
    let after = ~sum & 0xffff
    (frame[place], frame[place + 1]) = (UInt8(after >> 8), UInt8(after & 0xff))
  }
}
