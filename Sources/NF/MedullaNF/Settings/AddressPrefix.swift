import Glibc

/// An address of IPv4 (4 bytes) or IPv6 (16 bytes) with the bits of it that matter.
package struct AddressPrefix: Sendable, Hashable, CustomStringConvertible {
  package let bytes: [UInt8]
  package let length: Int

  /// nil: not 4 or 16 bytes, or a length beyond them.
  package init?(bytes: [UInt8], length: Int) {
    guard bytes.count == 4 || bytes.count == 16, (0...bytes.count * 8).contains(length) else { return nil }
    self.bytes = bytes
    self.length = length
  }

  /// `10.0.0.0/8`, `10.1.2.3`, `2001:db8::/32`; nil: nothing of the kind.
  package init?(_ text: String) {
    let parts = text.split(separator: "/", omittingEmptySubsequences: false).map(String.init)
    guard parts.count <= 2 else { return nil }
    var bytes = [UInt8](repeating: 0, count: 16)
    let count: Int
    if inet_pton(AF_INET, parts[0], &bytes) == 1 {
      count = 4
    } else if inet_pton(AF_INET6, parts[0], &bytes) == 1 {
      count = 16
    } else {
      return nil
    }
    let length = parts.count == 2 ? Int(parts[1]) : count * 8
    guard let length, parts.count == 1 || parts[1].allSatisfy(\.isNumber) else { return nil }
    self.init(bytes: Array(bytes.prefix(count)), length: length)
  }

  var version: UInt8 { bytes.count == 4 ? 4 : 6 }

  var mask: [UInt8] {
    (0..<16).map { index in
      let bits = min(max(length - index * 8, 0), 8)
      return UInt8(truncatingIfNeeded: 0xff00 >> bits)
    }
  }

  package var description: String {
    var text = [CChar](repeating: 0, count: Int(INET6_ADDRSTRLEN))
    inet_ntop(bytes.count == 4 ? AF_INET : AF_INET6, bytes, &text, socklen_t(text.count))
    let address = String(decoding: text.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
    return "\(address)/\(length)"
  }
}
