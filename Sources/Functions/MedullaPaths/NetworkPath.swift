import Foundation
import MedullaDatapath

/// A way that packets may take, as an operator writes it.
///
/// | text | packets go |
/// | --- | --- |
/// | `route` | as the routing table has it |
/// | `dev=DEV[,via=ADDRESS]` | out of a device, to a next hop or to their own destination |
/// | `ipip=ADDRESS,from=ADDRESS,dev=DEV[,via=ADDRESS]` | in an IPv4 header to that address (RFC 2003) |
/// | `srv6=SEGMENT[+SEGMENT…],from=ADDRESS,dev=DEV[,via=ADDRESS]` | in an IPv6 header along the segments |
package struct NetworkPath: Sendable, Equatable, CustomStringConvertible {
  package enum Header: Sendable, Equatable {
    case ipip(to: InternetAddress)
    case segments([InternetAddress])
  }

  /// What is put before each packet, and its source; nil: nothing.
  package let header: Header?
  package let source: InternetAddress?
  /// nil: as routed.
  package let device: String?
  package let nextHop: InternetAddress?

  package static let routed = NetworkPath(header: nil, source: nil, device: nil, nextHop: nil)

  private init(
    header: Header?, source: InternetAddress?, device: String?, nextHop: InternetAddress?
  ) {
    (self.header, self.source, self.device, self.nextHop) = (header, source, device, nextHop)
  }

  package var isRouted: Bool { device == nil }

  package static let segmentLimit = 3

  /// - Throws: `badConfiguration` with what is wrong in the text.
  package init(_ text: String) throws(DatapathError) {
    guard text != "route" else {
      self = .routed
      return
    }
    var fields = try Self.fields(text)
    func take(_ key: String) -> String? { fields.removeValue(forKey: key) }
    let (tunnel, segments, from) = (take("ipip"), take("srv6"), take("from"))
    guard let device = take("dev"), !device.isEmpty, device.utf8.count <= 15 else {
      throw Self.bad(text, "it needs dev=DEVICE")
    }
    let hop = try take("via").map { value throws(DatapathError) in try Self.address(value, in: text) }
    guard fields.isEmpty, tunnel == nil || segments == nil else {
      throw Self.bad(text, "its keys do not go together, or are unknown")
    }
    let header = try Self.header(tunnel: tunnel, segments: segments, in: text)
    let source = try from.map { value throws(DatapathError) in try Self.address(value, in: text) }
    guard (header == nil) == (source == nil) else {
      throw Self.bad(text, "from=ADDRESS goes with ipip= and srv6=")
    }
    self.init(header: header, source: source, device: device, nextHop: hop)
    try checkVersions(text)
  }

  private static func fields(_ text: String) throws(DatapathError) -> [String: String] {
    var fields: [String: String] = [:]
    for part in text.split(separator: ",", omittingEmptySubsequences: false) {
      let sides = part.split(separator: "=", maxSplits: 1).map(String.init)
      guard sides.count == 2, fields.updateValue(sides[1], forKey: sides[0]) == nil else {
        throw bad(text, "\"\(part)\" is not KEY=VALUE, or twice there")
      }
    }
    return fields
  }

  private static func header(
    tunnel: String?, segments: String?, in text: String
  ) throws(DatapathError) -> Header? {
    if let tunnel { return .ipip(to: try address(tunnel, in: text)) }
    guard let segments else { return nil }
    var list: [InternetAddress] = []
    for part in segments.split(separator: "+", omittingEmptySubsequences: false) {
      list.append(try address(String(part), in: text))
    }
    guard list.count <= segmentLimit else { throw bad(text, "it has more than \(segmentLimit) segments") }
    return .segments(list)
  }

  private func checkVersions(_ text: String) throws(DatapathError) {
    let (own, isSix): ([InternetAddress], Bool) =
      switch header {
      case .ipip(let to): ([to], false)
      case .segments(let list): (list, true)
      case nil: ([], false)
      }
    guard (own + (source.map { [$0] } ?? [])).allSatisfy({ $0.isSix == isSix }) else {
      throw Self.bad(text, isSix ? "segments are IPv6 addresses" : "ipip= and from= are IPv4 addresses")
    }
    guard header == nil || nextHop == nil || nextHop?.isSix == isSix else {
      throw Self.bad(text, "the next hop is of another version than the header")
    }
  }

  private static func address(_ text: String, in whole: String) throws(DatapathError) -> InternetAddress {
    guard let address = InternetAddress(text) else { throw bad(whole, "\"\(text)\" is no address") }
    return address
  }

  private static func bad(_ text: String, _ reason: String) -> DatapathError {
    DatapathError(
      .badConfiguration, "\"\(text)\" is no path: \(reason)",
      remedy: "give route, dev=DEV[,via=ADDRESS], ipip=ADDRESS,from=ADDRESS,dev=DEV or "
        + "srv6=SEGMENT[+SEGMENT],from=ADDRESS,dev=DEV")
  }

  package var description: String {
    guard let device else { return "route" }
    var parts: [String] = []
    switch header {
    case .ipip(let to): parts.append("ipip=\(to)")
    case .segments(let list): parts.append("srv6=" + list.map(\.description).joined(separator: "+"))
    case nil: break
    }
    if let source { parts.append("from=\(source)") }
    parts.append("dev=\(device)")
    if let nextHop { parts.append("via=\(nextHop)") }
    return parts.joined(separator: ",")
  }
}

/// An IPv4 or IPv6 address.
package struct InternetAddress: Sendable, Equatable, CustomStringConvertible {
  /// 4 or 16, in network order.
  package let bytes: [UInt8]

  package var isSix: Bool { bytes.count == 16 }

  package init?(_ text: String) {
    var memory = [UInt8](repeating: 0, count: 16)
    if inet_pton(AF_INET, text, &memory) == 1 {
      bytes = Array(memory.prefix(4))
    } else if inet_pton(AF_INET6, text, &memory) == 1 {
      bytes = memory
    } else {
      return nil
    }
  }

  package var description: String {
    var text = [CChar](repeating: 0, count: Int(INET6_ADDRSTRLEN))
    _ = inet_ntop(isSix ? AF_INET6 : AF_INET, bytes, &text, socklen_t(text.count))
    return String(decoding: text.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
  }
}
