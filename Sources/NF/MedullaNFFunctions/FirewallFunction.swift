import CMedullaABI
import MedullaNF

/// Lets frames through, or not, by lists of prefixes and ports.
package final class FirewallFunction: NetworkFunction {
  private let denied: PrefixList
  private let allowed: PrefixList?
  private let deniedPorts: Set<UInt16>
  private var passed: UInt64 = 0
  private var dropped: UInt64 = 0

  /// Options: `deny`, prefixes of which neither end of a frame may be; `allow`, of which the source must be
  /// one; `deny_ports`, to which nothing goes. What is no IP goes through only where there is no `allow`.
  package init(_ options: FunctionOptions) throws(NFError) {
    denied = try PrefixList(try options.strings("deny") ?? [], option: "deny")
    allowed = try options.strings("allow").map { texts throws(NFError) in
      try PrefixList(texts, option: "allow")
    }
    deniedPorts = Set((try options.integers("deny_ports", in: 0...65_535) ?? []).map(UInt16.init))
  }

  package func receive(_ frames: UnsafeBufferPointer<Frame>, by port: FunctionPort) {
    for frame in frames {
      let passes = passes(frame.bytes)
      if passes { passed &+= 1 } else { dropped &+= 1 }
      port.return(frame, passes ? .next : .release)
    }
  }

  func passes(_ bytes: UnsafeRawBufferPointer) -> Bool {
    var packet = medulla_packet()
    guard let start = bytes.baseAddress, medulla_parse(start, start + bytes.count, &packet) == 0 else {
      return allowed == nil
    }
    let key = packet.key
    let count = key.version == 4 ? 4 : 16
    return withUnsafeBytes(of: key.source) { source in
      withUnsafeBytes(of: key.destination) { destination in
        if let allowed, !allowed.contains(source, count) { return false }
        guard !denied.contains(source, count), !denied.contains(destination, count) else { return false }
        return !deniedPorts.contains(UInt16(bigEndian: key.destination_port))
      }
    }
  }

  package func look(by port: FunctionPort) {
    port.count("passed", passed)
    port.count("dropped", dropped)
  }
}

/// Prefixes, looked up by their lengths.
private struct PrefixList {
  private static let limit = 100_000
  /// By version and length, the bytes of the prefixes.
  private var sets: [Int: [Int: Set<[UInt8]>]] = [4: [:], 16: [:]]

  init(_ texts: [String], option: String) throws(NFError) {
    guard texts.count <= Self.limit else {
      throw NFError(.badSettings, "firewall: \(option) has more than \(Self.limit) prefixes")
    }
    for text in texts {
      guard let prefix = AddressPrefix(text) else {
        throw NFError(
          .badSettings, "firewall: \(option): \"\(text.prefix(60))\" is no address or prefix",
          remedy: "such as 10.0.0.0/8 or 2001:db8::/32")
      }
      sets[prefix.bytes.count]?[prefix.length, default: []].insert(
        Self.cut(prefix.bytes, to: prefix.length))
    }
  }

  func contains(_ address: UnsafeRawBufferPointer, _ count: Int) -> Bool {
    guard let lengths = sets[count], !lengths.isEmpty else { return false }
    let bytes = Array(address.prefix(count))
    return lengths.contains { $1.contains(Self.cut(bytes, to: $0)) }
  }

  /// The bytes that a prefix has, its last one's other bits zero.
  private static func cut(_ bytes: [UInt8], to length: Int) -> [UInt8] {
    var cut = Array(bytes.prefix((length + 7) / 8))
    if length % 8 != 0, let last = cut.indices.last {
      cut[last] &= UInt8(truncatingIfNeeded: 0xff00 >> (length % 8))
    }
    return cut
  }
}
