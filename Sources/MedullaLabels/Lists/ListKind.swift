/// What a list's entries are.
package enum ListKind: String, Sendable, CaseIterable, Codable {
  /// Of IPv4 and IPv6, and prefixes of them.
  case addresses
  /// Of TCP and UDP, and ranges of them.
  case ports
  /// With all that ends in them.
  case domains
  /// Of Ethernet, and makers' first three bytes.
  case macs
  /// Names that a network has for its devices.
  case devices

  /// What an entry looks like; nil: like none. A device may be called anything, and is never guessed.
  init?(guessedOf entry: String) {
    if IPPrefix(entry) != nil {
      self = .addresses
    } else if MACAddress(entry) != nil || MACAddress.maker(entry) != nil {
      self = .macs
    } else if PortRange(entry) != nil {
      self = .ports
    } else if DomainName(entry)?.text.contains(".") == true {
      self = .domains
    } else {
      return nil
    }
  }
}

/// A port, or all from one to another, of one protocol or both: `53`, `6000-6063`, `53/udp`.
package struct PortRange: Sendable, Equatable {
  package enum Transport: String, Sendable {
    case tcp
    case udp
  }

  package let ports: ClosedRange<UInt16>
  /// nil: of any protocol.
  package let transport: Transport?

  package init?(_ text: String) {
    guard text.utf8.count <= 16 else { return nil }
    let parts = text.split(separator: "/", omittingEmptySubsequences: false)
    guard let numbers = parts.first, parts.count <= 2 else { return nil }
    if parts.count == 2 {
      guard let transport = Transport(rawValue: parts[1].lowercased()) else { return nil }
      self.transport = transport
    } else {
      transport = nil
    }
    let ends = numbers.split(separator: "-", omittingEmptySubsequences: false)
    guard ends.count <= 2,
      ends.allSatisfy({ !$0.isEmpty && $0.utf8.allSatisfy { (0x30...0x39).contains($0) } }),
      let low = UInt16(ends[0]), let high = UInt16(ends[ends.count - 1]), low <= high
    else { return nil }
    ports = low...high
  }
}

/// A name of the domain name system, in small letters without the last point.
package struct DomainName: Sendable, Hashable {
  package let text: String

  /// - Parameter entry: also with `*.` or a point before it, which say what holds anyway: all below it too.
  package init?(_ entry: String) {
    var name = Substring(entry)
    if name.hasPrefix("*.") {
      name = name.dropFirst(2)
    } else if name.hasPrefix(".") {
      name = name.dropFirst()
    }
    if name.hasSuffix(".") { name = name.dropLast() }
    guard (1...253).contains(name.utf8.count), !name.utf8.contains(where: { !Self.isOfName($0) }) else {
      return nil
    }
    let parts = name.split(separator: ".", omittingEmptySubsequences: false)
    guard parts.allSatisfy({ (1...63).contains($0.utf8.count) && $0.first != "-" && $0.last != "-" }) else {
      return nil
    }
    text = name.lowercased()
  }

  /// Letters, digits, `-`, `_` and `.`: names of other letters are in their ASCII form, `xn--…`.
  private static func isOfName(_ byte: UInt8) -> Bool {
    switch byte {
    case 0x30...0x39, 0x41...0x5a, 0x61...0x7a, 0x2d, 0x2e, 0x5f: true
    default: false
    }
  }
}

/// An address of Ethernet: `52:54:00:12:34:56`, `52-54-00-12-34-56` or `5254.0012.3456`.
package struct MACAddress: Sendable, Hashable, CustomStringConvertible {
  package let bytes: UInt64

  /// - Parameter octets: six.
  package init?(_ octets: some Collection<UInt8>) {
    guard octets.count == 6 else { return nil }
    bytes = octets.reduce(0) { $0 << 8 | UInt64($1) }
  }

  package init?(_ text: String) {
    guard let digits = Self.digits(text, groups: [6: 2, 3: 4]) else { return nil }
    bytes = digits
  }

  /// The first three bytes, by which a maker is known: `52:54:00`. In the low bits.
  static func maker(_ text: String) -> UInt64? { digits(text, groups: [3: 2]) }

  var maker: UInt64 { bytes >> 24 }

  package var description: String {
    (0..<6).map { place in
      let byte = UInt8(truncatingIfNeeded: bytes >> UInt64(40 - 8 * place))
      return (byte < 16 ? "0" : "") + String(byte, radix: 16)
    }.joined(separator: ":")
  }

  /// - Parameter groups: how many there may be, and the digits that each then has.
  private static func digits(_ text: String, groups: [Int: Int]) -> UInt64? {
    guard text.utf8.count <= 17,
      let separator = text.first(where: { !$0.isHexDigit }), ":-.".contains(separator)
    else { return nil }
    let parts = text.split(separator: separator, omittingEmptySubsequences: false)
    guard let length = groups[parts.count], (separator == ".") == (length == 4),
      parts.allSatisfy({ $0.utf8.count == length })
    else { return nil }
    return UInt64(parts.joined(), radix: 16)
  }
}
