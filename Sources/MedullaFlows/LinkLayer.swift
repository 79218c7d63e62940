import CMedullaABI
import CPCAP

/// What stands before the network header in the frames of a capture.
package enum LinkLayer: Equatable, Sendable {
  case ethernet
  /// The network header stands first, and says its version.
  case raw
  /// A header of so many bytes, with the type of what follows at the given place.
  case typed(bytes: Int, at: Int)
  /// Four bytes of an address family of the capturing machine.
  case family
  /// PPP, behind HDLC's two bytes or without them.
  case pointToPoint

  /// - Parameter number: libpcap's `DLT_…`; nil: none of these.
  init?(_ number: Int32) {
    switch number {
    case DLT_EN10MB: self = .ethernet
    case DLT_RAW, DLT_IPV4, DLT_IPV6: self = .raw
    case DLT_LINUX_SLL: self = .typed(bytes: 16, at: 14)
    case DLT_LINUX_SLL2: self = .typed(bytes: 20, at: 0)
    case DLT_C_HDLC: self = .typed(bytes: 4, at: 2)
    case DLT_NULL, DLT_LOOP: self = .family
    case DLT_PPP, DLT_PPP_SERIAL: self = .pointToPoint
    default: return nil
    }
  }

  /// Reads a frame's flow by the parser that the kernel's programs have; false: it has none.
  package func parse(_ frame: UnsafeRawBufferPointer, into packet: inout medulla_packet) -> Bool {
    guard let first = frame.baseAddress else { return false }
    let end = first + frame.count
    if self == .ethernet { return medulla_parse(first, end, &packet) == 0 }
    packet = medulla_packet()
    guard let network = networkHeader(frame), network < frame.count else { return false }
    let version = frame[network] >> 4
    let type = version == 4 ? PACKET_IPV4 : version == 6 ? PACKET_IPV6 : 0
    return packet_parse_network(
      first.assumingMemoryBound(to: UInt8.self), UInt32(network), end.assumingMemoryBound(to: UInt8.self),
      UInt16(type), &packet) == 0
  }

  /// Where it begins; nil: what follows is no IP.
  private func networkHeader(_ frame: UnsafeRawBufferPointer) -> Int? {
    func word(_ at: Int) -> Int { at + 1 < frame.count ? Int(frame[at]) << 8 | Int(frame[at + 1]) : 0 }
    func isIP(_ type: Int) -> Bool { type == Int(PACKET_IPV4) || type == Int(PACKET_IPV6) }
    switch self {
    case .ethernet: return nil
    case .raw: return 0
    case .typed(let bytes, let at): return isIP(word(at)) ? bytes : nil
    case .family: return 4
    case .pointToPoint:
      let start = word(0) == 0xff03 ? 2 : 0
      return [0x0021, 0x0057].contains(word(start)) ? start + 2 : nil
    }
  }
}
