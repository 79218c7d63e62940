import Foundation
import TestbedLink

/// What this machine lets tests do.
package enum TestHost {
  package static let needsLinks =
    "needs root, /dev/net/tun, ip, iperf3, ss, ping and the built medulla-lab program"

  /// True as well where tests must not be skipped, so that what is missing makes them fail.
  package static let canEmulateLinks: Bool = {
    if ProcessInfo.processInfo.environment["MEDULLA_REQUIRE_KERNEL"] == "1" { return true }
    let programs = ["ip", "iperf3", "ss", "ping", "nsenter"].allSatisfy { program in
      ["/usr/bin", "/usr/sbin", "/bin", "/sbin"].contains {
        FileManager.default.isExecutableFile(atPath: "\($0)/\(program)")
      }
    }
    return geteuid() == 0 && programs && FileManager.default.fileExists(atPath: "/dev/net/tun")
      && FileManager.default.isExecutableFile(atPath: lab)
  }()

  /// The `medulla-lab` that was built beside these tests.
  package static let lab = built("medulla-lab")

  /// A program that was built beside these tests.
  package static func built(_ name: String) -> String {
    let own = (try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")) ?? ""
    let candidates = [CommandLine.arguments.first ?? "", own]
      .map { URL(fileURLWithPath: $0).deletingLastPathComponent().appendingPathComponent(name).path }
    return candidates.first { FileManager.default.isExecutableFile(atPath: $0) } ?? candidates[0]
  }

  package static func namespaces() -> Set<String> {
    Set((try? FileManager.default.contentsOfDirectory(atPath: "/run/netns")) ?? [])
  }

  /// Namespaces that belong to a process.
  package static func namespaces(of owner: pid_t) -> Set<String> {
    namespaces().filter { NetworkNamespace.owner(of: $0) == owner }
  }

  /// Whether a process has not ended; one that only waits for its parent to notice has.
  package static func runs(_ identifier: pid_t) -> Bool {
    let text = (try? String(contentsOfFile: "/proc/\(identifier)/status", encoding: .utf8)) ?? ""
    return text.contains("State:") && !text.contains("State:\tZ")
  }

  /// Waits up to `limit` for something to become true.
  package static func becomes(within limit: Duration = .seconds(10), _ condition: () -> Bool) -> Bool {
    let deadline = ContinuousClock.now + limit
    while !condition() {
      guard ContinuousClock.now < deadline else { return false }
      usleep(20_000)
    }
    return true
  }
}
