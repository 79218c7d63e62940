import MedullaBase
import TestbedLink

/// One TCP socket's state at one time, as `ss -tin` tells it.
package struct SocketSample: Codable, Equatable, Sendable {
  /// Monotonic clock.
  package var timeNanoseconds: UInt64
  package var localPort: Int
  package var remotePort: Int
  package var congestion: String
  /// Smoothed round-trip time.
  package var rttMilliseconds: Double?
  package var minimumRTTMilliseconds: Double?
  package var pacingBitsPerSecond: Double?
  package var deliveryBitsPerSecond: Double?
  package var windowSegments: Int?
  package var retransmits: Int
  package var acknowledgedBytes: Int
}

extension SocketSample {
  /// Those of a link's client towards its server, now.
  package static func read(_ client: NetworkNamespace, within limit: Duration) throws -> [SocketSample] {
    let time = MonotonicClock.nanoseconds
    let outcome = try ChildProcess.run(
      ["ss", "-N", client.name, "-tinH", "dst", LinkEmulator.Address.server], within: limit)
    return parse(outcome.outputText, at: time)
  }

  /// Reads the output of `ss -tinH`: for each socket a line with its ends, then an indented line of values.
  /// Lines that do not fit are left out.
  package static func parse(_ text: String, at time: UInt64) -> [SocketSample] {
    var samples: [SocketSample] = []
    var ends: (local: Int, remote: Int)?
    for line in text.split(separator: "\n") {
      if line.first?.isWhitespace == true {
        if let found = ends, let sample = SocketSample(values: line, ends: found, time: time) {
          samples.append(sample)
        }
        ends = nil
      } else {
        let columns = line.split(whereSeparator: \.isWhitespace)
        guard columns.count >= 5, let local = port(columns[3]), let remote = port(columns[4]) else {
          continue
        }
        ends = (local, remote)
      }
    }
    return samples
  }

  private static func port(_ address: Substring) -> Int? {
    address.lastIndex(of: ":").flatMap { Int(address[address.index(after: $0)...]) }
  }

  private init?(values line: Substring, ends: (local: Int, remote: Int), time: UInt64) {
    let words = line.split(whereSeparator: \.isWhitespace).map(String.init)
    // The algorithm's name has no colon and comes first, or after the socket's flags.
    guard let congestion = words.first(where: { !$0.contains(":") && !Self.flags.contains($0) }) else {
      return nil
    }
    func value(_ key: String) -> String? {
      words.first { $0.hasPrefix(key + ":") }.map { String($0.dropFirst(key.count + 1)) }
    }
    func rate(_ key: String) -> Double? {
      guard let at = words.firstIndex(of: key), at + 1 < words.count, words[at + 1].hasSuffix("bps") else {
        return nil
      }
      return Double(words[at + 1].dropLast(3))
    }
    timeNanoseconds = time
    localPort = ends.local
    remotePort = ends.remote
    self.congestion = congestion
    rttMilliseconds = value("rtt").flatMap { $0.split(separator: "/").first }.flatMap { Double($0) }
    minimumRTTMilliseconds = value("minrtt").flatMap { Double($0) }
    pacingBitsPerSecond = rate("pacing_rate")
    deliveryBitsPerSecond = rate("delivery_rate")
    windowSegments = value("cwnd").flatMap { Int($0) }
    retransmits = value("retrans").flatMap { $0.split(separator: "/").last }.flatMap { Int($0) } ?? 0
    acknowledgedBytes = value("bytes_acked").flatMap { Int($0) } ?? 0
  }

  /// Words that `ss` prints before the algorithm's name.
  private static let flags: Set<String> = ["ts", "sack", "ecn", "ecnseen", "fastopen"]
}
