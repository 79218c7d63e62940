import Foundation
import MedullaFlows

/// One flow of the results that nDPI's reader has written of a capture.
package struct ReferenceFlow: Sendable {
  /// Transport, addresses and ports, the same for both directions.
  package struct Key: Hashable, Sendable {
    private let transport: UInt8
    private let ends: Set<String>

    init(_ transport: UInt8, _ one: String, _ other: String) {
      (self.transport, ends) = (transport, [one, other])
    }

    package init(_ flow: FlowRecord) {
      self.init(
        flow.transport, "\(flow.sourceAddress) \(flow.sourcePort)",
        "\(flow.destinationAddress) \(flow.destinationPort)")
    }
  }

  package let line: String
  package let key: Key
  private let source: String
  /// Packets and bytes, client to server and back.
  package let counts: [UInt64]
  /// Minimum, mean, maximum and deviation, each client to server and back.
  package let lengths: [Double]?
  package let gaps: [Double]?
  package let hasTag: Bool
  /// Of the traffic, such as `Network`; nil where nDPI knows none.
  package let category: String?
  /// Whether nDPI has told it by its ports alone.
  package let isGuessedByPort: Bool

  package func isForward(_ flow: FlowRecord) -> Bool {
    "\(flow.sourceAddress) \(flow.sourcePort)" == source
  }

  /// The TCP and UDP flows of a file of results.
  package static func read(_ path: String) throws -> [ReferenceFlow] {
    // Some lines quote payload, which is no UTF-8.
    let text = String(decoding: try Data(contentsOf: URL(fileURLWithPath: path)), as: UTF8.self)
    return text.split(separator: "\n").compactMap { ReferenceFlow(String($0)) }
  }

  /// - Returns: nil for a line that is of no TCP or UDP flow.
  package init?(_ line: String) {
    guard
      let match = line.firstMatch(of: #/^\t\d+\t(TCP|UDP) (\S+):(\d+) (?:<->|->) (\S+):(\d+) /#),
      let counts = line.firstMatch(of: #/\[(\d+) pkts/(\d+) bytes (?:<->|->) (\d+) pkts/(\d+) bytes\]/#)
    else { return nil }
    self.line = line
    let (one, other) = ("\(Self.address(match.2)) \(match.3)", "\(Self.address(match.4)) \(match.5)")
    key = Key(match.1 == "TCP" ? 6 : 17, one, other)
    source = one
    self.counts = [counts.1, counts.2, counts.3, counts.4].map { UInt64($0) ?? 0 }
    lengths = Self.figures("Pkt Len c2s/s2c min/avg/max/stddev: ", line)
    gaps = Self.figures("IAT c2s/s2c min/avg/max/stddev: ", line)
    hasTag = line.contains("[VLAN: ")
    category = line.firstMatch(of: #/\[cat: ([A-Za-z0-9_\-]+)\/\d+\]/#).map { String($0.1) }
    isGuessedByPort = line.contains("[Confidence: Match by port]")
  }

  /// Without the brackets of IPv6, in the shortest form.
  private static func address(_ text: Substring) -> String {
    let bare = text.trimmingCharacters(in: CharacterSet(charactersIn: "[]"))
    var address = in6_addr()
    guard bare.contains(":"), inet_pton(AF_INET6, bare, &address) == 1 else { return bare }
    var shortest = [CChar](repeating: 0, count: Int(INET6_ADDRSTRLEN))
    inet_ntop(AF_INET6, &address, &shortest, socklen_t(shortest.count))
    return String(decoding: shortest.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self)
  }

  private static func figures(_ title: String, _ line: String) -> [Double]? {
    guard let start = line.range(of: title) else { return nil }
    let numbers = line[start.upperBound...].prefix { $0 != "]" }.split(whereSeparator: { "/ ".contains($0) })
    return numbers.count == 8 ? numbers.compactMap { Double($0) } : nil
  }
}
