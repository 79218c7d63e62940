import Foundation
import Testing

/// A network namespace as `ip netns add` makes it, removed with its last owner.
final class TestNamespace {
  /// The form by which an abandoned namespace is told from one in use.
  let name = "medulla-\(getpid())-\(UInt32.random(in: 0...UInt32.max))-command"

  /// - Parameter loopback: whether `lo` is up.
  init(loopback: Bool) throws {
    try Self.succeed(["ip", "netns", "add", name])
    if loopback { try Self.succeed(["ip", "-n", name, "link", "set", "lo", "up"]) }
  }

  deinit { _ = try? MedullaCommandLine.tool(["ip", "netns", "del", name]) }

  /// Runs `medulla` inside.
  func medulla(
    _ arguments: [String], environment: [String] = [], timeout: TimeInterval = 120
  ) throws -> MedullaCommandLine.Outcome {
    try MedullaCommandLine.tool(
      ["nsenter", "--net=/run/netns/\(name)", "env"] + environment + [MedullaCommandLine.executable.path]
        + arguments, timeout: timeout)
  }

  /// Runs a shell line inside, in which `bin/medulla` means the built product.
  func shell(_ line: String) throws -> MedullaCommandLine.Outcome {
    try MedullaCommandLine.tool([
      "nsenter", "--net=/run/netns/\(name)", "bash", "-c",
      "cd '\(MedullaCommandLine.root.path)'; " + MedullaCommandLine.script(line),
    ])
  }

  private static func succeed(_ arguments: [String]) throws {
    let outcome = try MedullaCommandLine.tool(arguments)
    try #require(outcome.status == 0, "\(arguments): \(outcome.errors)")
  }
}

/// A folder that goes with its last owner.
final class TestFolder {
  let path = NSTemporaryDirectory() + "medulla-\(UUID())"

  init() throws { try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true) }

  deinit { try? FileManager.default.removeItem(atPath: path) }
}
