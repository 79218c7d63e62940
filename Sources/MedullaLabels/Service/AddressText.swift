import MedullaBase

#if canImport(Glibc)
import Glibc
#endif

/// An address of IP as people write it.
enum AddressText {
  /// - Parameter bytes: four of IPv4, sixteen of IPv6; of others their digits.
  static func text(_ bytes: [UInt8]) -> String {
    let family = bytes.count == 4 ? AF_INET : AF_INET6
    guard bytes.count == 4 || bytes.count == 16 else { return bytes.hexadecimal }
    var text = [CChar](repeating: 0, count: Int(INET6_ADDRSTRLEN))
    guard inet_ntop(family, bytes, &text, socklen_t(text.count)) != nil else { return bytes.hexadecimal }
    return String(decoding: text.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
  }
}
