import Foundation
import TestbedLink

/// Programs that fetch from a `WebServer` at the client's end of a link.
package enum WebClients {
  /// What wrk found.
  package struct Load: Codable, Equatable, Sendable {
    package var requestsPerSecond: Double
    package var transferredMbps: Double
    package var p50Ms: Double
    package var p99Ms: Double
    /// Sockets that failed, and answers that were none.
    package var errors: Int
  }

  /// Requests one after another on each of some connections, by wrk, while something else goes on.
  package final class Asking {
    private let child: ChildProcess
    private let seconds: Int

    package init(_ path: String, connections: Int, seconds: Int, over link: LinkEmulator) throws {
      self.seconds = seconds
      child = try link.client.start([
        "wrk", "-t1", "-c\(connections)", "-d\(seconds)s", "--latency", "--timeout", "20s",
        "http://\(LinkEmulator.Address.server):\(WebServer.port)/\(path)",
      ])
    }

    deinit { child.end() }

    /// Waits for wrk's end.
    package func finish() throws -> Load {
      let outcome = try child.finish(within: .seconds(seconds + 30))
      guard outcome.status == 0 else { throw child.failure(outcome) }
      return try Load(wrk: outcome.outputText)
    }
  }

  /// Seconds until curl has fetched a file over a new connection.
  package static func curl(_ path: String, over link: LinkEmulator) throws -> Double {
    let url = "http://\(LinkEmulator.Address.server):\(WebServer.port)/\(path)"
    let child = try link.client.start([
      "curl", "-sS", "-o", "/dev/null", "--fail", "--max-time", "60", "-w", "%{time_total}", url,
    ])
    let outcome = try child.finish(within: .seconds(70))
    guard outcome.status == 0, let seconds = Double(outcome.outputText) else { throw child.failure(outcome) }
    return seconds
  }
}

extension WebClients.Load {
  /// Reads wrk's report; throws `unreadableReport` for anything else.
  init(wrk text: String) throws {
    func value(after word: String) -> Substring? {
      text.split(separator: "\n").first { $0.trimmingCharacters(in: .whitespaces).hasPrefix(word) }?
        .split(whereSeparator: \.isWhitespace).last
    }
    guard let requests = value(after: "Requests/sec:").flatMap({ Double($0) }),
      let bytes = value(after: "Transfer/sec:").flatMap({ Self.number($0, Self.sizes) }),
      let p50 = value(after: "50%").flatMap({ Self.number($0, Self.times) }),
      let p99 = value(after: "99%").flatMap({ Self.number($0, Self.times) })
    else {
      throw TestbedError(
        .unreadableReport, "wrk's report cannot be read: \(text.prefix(200)).", remedy: "Use wrk 4.")
    }
    let faults = text.split(separator: "\n").filter {
      $0.contains("Socket errors:") || $0.contains("Non-2xx")
    }
    let errors = faults.flatMap { $0.split { !$0.isNumber } }.compactMap { Int($0) }.reduce(0, +)
    self.init(
      requestsPerSecond: requests, transferredMbps: bytes * 8 / 1e6, p50Ms: p50, p99Ms: p99, errors: errors)
  }

  private static let sizes: [(String, Double)] = [
    ("GB", 1_073_741_824), ("MB", 1_048_576), ("KB", 1_024), ("B", 1),
  ]
  /// In milliseconds.
  private static let times: [(String, Double)] = [("us", 1e-3), ("ms", 1), ("s", 1e3), ("m", 6e4)]

  private static func number(_ text: Substring, _ units: [(String, Double)]) -> Double? {
    for (unit, factor) in units where text.hasSuffix(unit) {
      if let number = Double(text.dropLast(unit.count)) { return number * factor }
    }
    return nil
  }
}
