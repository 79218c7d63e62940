import Foundation

/// The congestion controls of the running kernel.
package enum CongestionControls {
  private static let list = "/proc/sys/net/ipv4/tcp_available_congestion_control"

  package static func available() -> [String] {
    let text = (try? String(contentsOfFile: list, encoding: .utf8)) ?? ""
    return text.split(whereSeparator: \.isWhitespace).map(String.init)
  }

  /// Throws `missingCongestionControl` for a name that the kernel does not list.
  package static func require(_ name: String) throws {
    let names = available()
    guard !names.contains(name) else { return }
    throw TestbedError(
      .missingCongestionControl,
      "The kernel has no congestion control `\(name)`; it lists \(names.joined(separator: ", ")).",
      remedy:
        "Attach it (`medulla attach congestion --name \(name) BUNDLE`), or load it (`modprobe tcp_\(name)`).")
  }
}
