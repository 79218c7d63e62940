/// Names that a network has for its devices, by their addresses.
///
/// A file of lines `ADDRESS NAME`, where the address is of IP or of Ethernet, with comments from `#` or
/// `;`: a hosts file, or what a DHCP server has given out.
package struct DeviceNames: Sendable, Equatable {
  package static let byteLimit = 16 << 20
  package static let limit = 1_000_000

  private var byAddress: [IPAddress: String] = [:]
  private var byMAC: [MACAddress: String] = [:]

  package var count: Int { byAddress.count + byMAC.count }

  /// - Throws: `malformed` with the line that is none.
  package init(_ text: String, named file: String) throws(ListError) {
    for (number, line) in text.split(separator: "\n", omittingEmptySubsequences: false).enumerated() {
      let fields = line.prefix { $0 != "#" && $0 != ";" }.split(maxSplits: 1, whereSeparator: \.isWhitespace)
      guard let first = fields.first.map(String.init) else { continue }
      let name = fields.count == 2 ? String(fields[1]).trimmed : ""
      guard (1...255).contains(name.utf8.count) else {
        throw ListError(
          .malformed, "\(file): line \(number + 1): `\(first.prefix(64))` has no name",
          remedy: "write ADDRESS NAME")
      }
      if let address = IPAddress(first) {
        byAddress[address] = name
      } else if let address = MACAddress(first) {
        byMAC[address] = name
      } else {
        throw ListError(
          .malformed, "\(file): line \(number + 1): `\(first.prefix(64))` is no address of IP or Ethernet",
          remedy: "write ADDRESS NAME")
      }
      guard count <= Self.limit else {
        throw ListError(.tooLarge, "\(file) has more than \(Self.limit) devices", remedy: "cut it")
      }
    }
  }

  package static func read(_ path: String) throws(ListError) -> DeviceNames {
    try DeviceNames(BoundedFile.text(path, limit: byteLimit), named: path)
  }

  /// - Parameter addresses: who knows flows' addresses of Ethernet; nil: devices are known by those of IP
  ///   alone.
  package func source(addresses: ListSources.AddressSource? = nil) -> ListSources.DeviceSource {
    { flow in
      let macs = byMAC.isEmpty ? nil : addresses?(flow)
      func name(_ bytes: [UInt8], _ mac: MACAddress?) -> String? {
        IPAddress(bytes).flatMap { byAddress[$0] } ?? mac.flatMap { byMAC[$0] }
      }
      return FlowSides(
        source: name(flow.source, macs?.source), destination: name(flow.destination, macs?.destination))
    }
  }
}

extension String {
  /// Without blanks at its ends.
  fileprivate var trimmed: String {
    String(drop(while: \.isWhitespace).reversed().drop(while: \.isWhitespace).reversed())
  }
}
