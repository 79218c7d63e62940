import Foundation

/// The privileges of a process (`capabilities(7)`), by their bits.
package struct Capabilities: Equatable, Sendable {
  package let bits: UInt64

  package init(bits: UInt64) {
    self.bits = bits
  }

  /// What loading, attaching and pinning need, with the kernel's numbers.
  package static let neededForDatapath: [(name: String, bit: Int)] = [
    ("CAP_NET_ADMIN", 12), ("CAP_SYS_ADMIN", 21), ("CAP_PERFMON", 38), ("CAP_BPF", 39),
  ]

  /// This process's effective capabilities; none when the kernel does not say.
  package static func current() -> Capabilities {
    let text = (try? String(contentsOfFile: "/proc/self/status", encoding: .utf8)) ?? ""
    return Capabilities(status: text) ?? Capabilities(bits: 0)
  }

  /// From the text of `/proc/PID/status`.
  init?(status: String) {
    guard let line = status.split(separator: "\n").first(where: { $0.hasPrefix("CapEff:") }),
      let bits = UInt64(line.dropFirst("CapEff:".count).drop { $0 == "\t" || $0 == " " }, radix: 16)
    else { return nil }
    self.bits = bits
  }

  package func missing(_ wanted: [(name: String, bit: Int)]) -> [String] {
    wanted.filter { bits & (1 << UInt64($0.bit)) == 0 }.map(\.name)
  }
}
