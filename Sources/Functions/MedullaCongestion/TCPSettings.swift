import Foundation
import MedullaKernel

/// TCP's settings of the network namespace that this process is in.
enum TCPSettings {
  private static let directory = "/proc/sys/net/ipv4/"

  /// Every congestion control that TCP knows, by name.
  static var availableCongestionControls: [String] {
    read("tcp_available_congestion_control").split(separator: " ").map(String.init)
  }

  static var defaultCongestionControl: String { read("tcp_congestion_control") }

  /// Sets what TCP has without our doing, where nobody knows what was set before.
  ///
  /// A network namespace may be refused all but `reno`, which is always there.
  static func setPlainCongestionControl() throws -> String {
    if availableCongestionControls.contains("cubic"), (try? setDefaultCongestionControl("cubic")) != nil {
      return "cubic"
    }
    try setDefaultCongestionControl("reno")
    return "reno"
  }

  static func setDefaultCongestionControl(_ name: String) throws {
    do {
      try Data(name.utf8).write(to: URL(fileURLWithPath: directory + "tcp_congestion_control"))
    } catch {
      throw KernelError(
        .system, "set the default congestion control to \(name)", cause: "\(error)",
        remedy: "run `sysctl net.ipv4.tcp_congestion_control=\(name)`")
    }
  }

  private static func read(_ name: String) -> String {
    let text = (try? String(contentsOfFile: directory + name, encoding: .utf8)) ?? ""
    return text.trimmingCharacters(in: .whitespacesAndNewlines)
  }
}
