import Foundation
import TestbedLink

/// Bulk TCP transfers by iperf3 between the ends of a link.
package enum Iperf3 {
  package static let port = 5201

  /// Starts a server that serves until ended.
  package static func serve(in namespace: NetworkNamespace) throws -> ChildProcess {
    let server = try namespace.start(
      ["iperf3", "-s", "-p", "\(port)"], output: .discarded, errors: .discarded)
    try awaitListening(server)
    return server
  }

  /// Waits until the server listens, for at most 5 s.
  static func awaitListening(_ server: ChildProcess, port: Int = port) throws {
    for _ in 0..<500 {
      guard server.isRunning else { throw server.failure(try server.finish(within: .seconds(1))) }
      if listens(server.identifier, port: port) { return }
      try Interruption.sleep(.milliseconds(10))
    }
    throw TestbedError(
      .timedOut, "The iperf3 server does not listen on port \(port).",
      remedy: "Is another program on that port?")
  }

  /// Whether a socket of the process's network namespace listens on `port`.
  private static func listens(_ identifier: Int32, port: Int) -> Bool {
    // Before it has become iperf3, the process may still be outside the namespace.
    let program = try? String(contentsOfFile: "/proc/\(identifier)/comm", encoding: .utf8)
    guard program == "iperf3\n" else { return false }
    let suffix = ":" + String(format: "%04X", port)
    return ["tcp", "tcp6"].contains { table in
      guard let text = try? String(contentsOfFile: "/proc/\(identifier)/net/\(table)", encoding: .utf8)
      else { return false }
      return text.split(separator: "\n").contains { line in
        let columns = line.split(separator: " ", omittingEmptySubsequences: true)
        return columns.count > 3 && columns[1].hasSuffix(suffix) && columns[3] == "0A"
      }
    }
  }
}
