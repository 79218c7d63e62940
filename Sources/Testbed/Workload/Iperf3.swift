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
      if server.listens(as: "iperf3", port: port) { return }
      try Interruption.sleep(.milliseconds(10))
    }
    throw TestbedError(
      .timedOut, "The iperf3 server does not listen on port \(port).",
      remedy: "Is another program on that port?")
  }

}

extension ChildProcess {
  /// Whether it has become a program, and a socket of its network namespace listens on `port`.
  func listens(as program: String, port: Int) -> Bool {
    // Before it has become the program, the process may still be outside the namespace.
    let own = try? String(contentsOfFile: "/proc/\(identifier)/comm", encoding: .utf8)
    guard own == "\(program)\n" else { return false }
    let suffix = ":" + String(format: "%04X", port)
    return ["tcp", "tcp6"].contains { table in
      let text = (try? String(contentsOfFile: "/proc/\(identifier)/net/\(table)", encoding: .utf8)) ?? ""
      return text.split(separator: "\n").contains { line in
        let columns = line.split(separator: " ")
        return columns.count > 3 && columns[1].hasSuffix(suffix) && columns[3] == "0A"
      }
    }
  }
}
