import Glibc

/// An address of IPv4 or IPv6.
package struct IPAddress: Hashable, Sendable, CustomStringConvertible {
  package enum Version: UInt8, Sendable {
    case four = 4
    case six = 6

    /// Bits of an address.
    package var width: Int { self == .four ? 32 : 128 }
  }

  package let version: Version
  /// The address from its first bit, the rest 0: IPv4's stands in the upper 32 bits.
  package let bits: UInt128

  init(_ version: Version, bits: UInt128) {
    (self.version, self.bits) = (version, bits)
  }

  /// - Parameter bytes: four of IPv4 or sixteen of IPv6; nil: any other number.
  package init?(_ bytes: [UInt8]) {
    guard bytes.count == 4 || bytes.count == 16 else { return nil }
    let value = bytes.reduce(UInt128(0)) { $0 << 8 | UInt128($1) }
    self.init(bytes.count == 4 ? .four : .six, bits: bytes.count == 4 ? value << 96 : value)
  }

  /// - Returns: nil for what is no address, also with a zone or leading zeros.
  package init?(_ text: String) {
    guard text.utf8.count <= 45 else { return nil }
    var bytes = [UInt8](repeating: 0, count: text.utf8.contains(0x3a) ? 16 : 4)
    guard inet_pton(bytes.count == 4 ? AF_INET : AF_INET6, text, &bytes) == 1 else { return nil }
    self.init(bytes)
  }

  package var bytes: [UInt8] {
    (0..<version.width / 8).map { UInt8(truncatingIfNeeded: bits >> UInt128(120 - 8 * $0)) }
  }

  package var description: String {
    var bytes = bytes
    var text = [CChar](repeating: 0, count: Int(INET6_ADDRSTRLEN))
    guard inet_ntop(version == .four ? AF_INET : AF_INET6, &bytes, &text, socklen_t(text.count)) != nil
    else { return "" }
    return String(decoding: text.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self)
  }
}

/// All addresses that begin alike: `10.0.0.0/8`, `2001:db8::/32`.
package struct IPPrefix: Hashable, Sendable, CustomStringConvertible {
  /// The first of its addresses.
  package let address: IPAddress
  package let length: Int

  /// - Returns: nil for a length that the address has not; bits after it are taken for 0.
  package init?(_ address: IPAddress, length: Int) {
    guard (0...address.version.width).contains(length) else { return nil }
    self.address = IPAddress(address.version, bits: address.bits & Self.mask(length))
    self.length = length
  }

  /// - Parameter text: a prefix, or an address for itself alone.
  package init?(_ text: String) {
    let parts = text.split(separator: "/", maxSplits: 1, omittingEmptySubsequences: false)
    guard let first = parts.first, let address = IPAddress(String(first)) else { return nil }
    guard parts.count == 2 else {
      self.init(address, length: address.version.width)
      return
    }
    guard (1...3).contains(parts[1].utf8.count), parts[1].utf8.allSatisfy({ (0x30...0x39).contains($0) }),
      let length = Int(parts[1])
    else { return nil }
    self.init(address, length: length)
  }

  package func contains(_ other: IPAddress) -> Bool {
    other.version == address.version && other.bits & Self.mask(length) == address.bits
  }

  package var description: String { "\(address)/\(length)" }

  static func mask(_ length: Int) -> UInt128 { length == 0 ? 0 : ~UInt128(0) << UInt128(128 - length) }
}
