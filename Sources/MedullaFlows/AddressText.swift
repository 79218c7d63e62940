import Glibc

/// Addresses as people write them.
package enum AddressText {
  /// - Parameter bytes: four of IPv4 or sixteen of IPv6; of any other number nothing is said.
  package static func text(_ bytes: [UInt8]) -> String {
    var bytes = bytes
    var text = [CChar](repeating: 0, count: Int(INET6_ADDRSTRLEN))
    let family = bytes.count == 4 ? AF_INET : AF_INET6
    guard [4, 16].contains(bytes.count), inet_ntop(family, &bytes, &text, socklen_t(text.count)) != nil else {
      return ""
    }
    return String(decoding: text.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self)
  }
}
