import Foundation

/// Bandwidth as Mahimahi's traces give it: milliseconds at which a link can deliver a packet of 1,504 bytes.
///
/// Each line of the file is one such opportunity; several may share a millisecond. The trace repeats at its
/// last timestamp. (Mahimahi, `src/frontend/link_queue.cc`; Netravali and others, USENIX ATC 2015.)
package struct DeliveryTrace: Equatable, Sendable {
  /// Bytes of one opportunity.
  package static let opportunityBytes = 1504
  /// What Mahimahi counts of each packet besides its IP bytes: its TUN device's header. So a packet of 1,500
  /// bytes takes exactly one opportunity.
  package static let overheadBytes = 4

  /// What the trace is called in messages and results.
  package let name: String
  /// Milliseconds since the trace's start, in order.
  package let opportunities: [UInt32]

  /// - Throws: `badParameter` with the line's number for milliseconds that fall or lie beyond `LinkLimits`,
  ///   and for a trace without any, with too many, or with a period of 0.
  package init(name: String, opportunities: [UInt32]) throws {
    self.name = name
    self.opportunities = opportunities
    guard let last = opportunities.last else {
      throw Self.refusal(name, nil, "it has no delivery opportunity")
    }
    guard opportunities.count <= LinkLimits.traceOpportunities else {
      throw Self.refusal(name, nil, "it has more than \(LinkLimits.traceOpportunities) opportunities")
    }
    var previous: UInt32 = 0
    for (index, time) in opportunities.enumerated() {
      guard time >= previous else {
        throw Self.refusal(name, index + 1, "\(time) is before \(previous), the line above")
      }
      previous = time
    }
    guard last <= LinkLimits.traceMilliseconds else {
      throw Self.refusal(
        name, opportunities.count, "\(last) ms is more than \(LinkLimits.traceMilliseconds) ms, a day")
    }
    guard last > 0 else {
      throw Self.refusal(name, opportunities.count, "the last timestamp, the period, is 0")
    }
  }

  /// Reads a file's text.
  package init(name: String, text: some Collection<UInt8>) throws {
    guard text.count <= LinkLimits.traceBytes else {
      throw Self.refusal(name, nil, "it has more than \(LinkLimits.traceBytes) bytes")
    }
    var lines = text.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
    // The newline of the last line begins no other.
    if let last = lines.last, last.isEmpty { lines.removeLast() }
    guard lines.count <= LinkLimits.traceOpportunities else {
      throw Self.refusal(name, nil, "it has more than \(LinkLimits.traceOpportunities) opportunities")
    }
    var times: [UInt32] = []
    times.reserveCapacity(lines.count)
    for (index, line) in lines.enumerated() {
      times.append(try Self.milliseconds(line, name: name, line: index + 1))
    }
    try self.init(name: name, opportunities: times)
  }

  /// Reads the file at `path`.
  package init(path: String) throws {
    guard let file = FileHandle(forReadingAtPath: path) else {
      throw TestbedError(
        .fileFailed, "The trace \(path) cannot be read: \(String(cString: strerror(errno))).",
        remedy: "Name a file in Mahimahi's format.")
    }
    defer { try? file.close() }
    let text: Data
    do {
      text = try file.read(upToCount: LinkLimits.traceBytes + 1) ?? Data()
    } catch {
      throw TestbedError(
        .fileFailed, "The trace \(path) cannot be read.", remedy: "Name a file in Mahimahi's format.")
    }
    try self.init(name: path.split(separator: "/").last.map(String.init) ?? path, text: text)
  }

  /// How long the trace is before it repeats.
  package var periodNanoseconds: UInt64 { UInt64(opportunities.last ?? 0) * 1_000_000 }

  /// Mean rate of full packets of 1,500 IP bytes.
  package var meanBitsPerSecond: Double {
    let bits = opportunities.count * (Self.opportunityBytes - Self.overheadBytes) * 8
    return Double(bits) * 1e9 / Double(max(1, periodNanoseconds))
  }

  private static func milliseconds(
    _ line: some Collection<UInt8>, name: String, line number: Int
  ) throws -> UInt32 {
    guard !line.isEmpty else { throw refusal(name, number, "it is empty") }
    var value: UInt32 = 0
    for byte in line {
      guard (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) else {
        let shown = String(decoding: line.prefix(20), as: UTF8.self).debugDescription
        throw refusal(name, number, "\(shown) is no whole number of milliseconds")
      }
      let (tenfold, first) = value.multipliedReportingOverflow(by: 10)
      let (next, second) = tenfold.addingReportingOverflow(UInt32(byte - UInt8(ascii: "0")))
      guard !first, !second, next <= LinkLimits.traceMilliseconds else {
        throw refusal(name, number, "it is beyond \(LinkLimits.traceMilliseconds) ms, a day")
      }
      value = next
    }
    return value
  }

  private static func refusal(_ name: String, _ line: Int?, _ why: String) -> TestbedError {
    TestbedError(
      .badParameter,
      line.map { "Line \($0) of the trace \(name) cannot be used: \(why)." }
        ?? "The trace \(name) cannot be used: \(why).",
      remedy: "Write one whole number of milliseconds a line, none smaller than the one before.")
  }
}

extension DeliveryTrace: Codable {
  private enum Key: String, CodingKey {
    case name
    case opportunities
  }

  /// The opportunities travel as 32-bit little-endian numbers in base64: JSON's own numbers take ten times
  /// longer to read.
  package init(from decoder: any Decoder) throws {
    let container = try decoder.container(keyedBy: Key.self)
    let bytes = [UInt8](try container.decode(Data.self, forKey: .opportunities))
    let times = stride(from: 0, to: bytes.count / 4 * 4, by: 4).map { start -> UInt32 in
      var time: UInt32 = 0
      for index in 0..<4 { time |= UInt32(bytes[start + index]) << UInt32(8 * index) }
      return time
    }
    try self.init(name: try container.decode(String.self, forKey: .name), opportunities: times)
  }

  package func encode(to encoder: any Encoder) throws {
    var container = encoder.container(keyedBy: Key.self)
    try container.encode(name, forKey: .name)
    var bytes = Data(capacity: opportunities.count * 4)
    for time in opportunities {
      for shift in 0..<4 { bytes.append(UInt8(truncatingIfNeeded: time >> UInt32(8 * shift))) }
    }
    try container.encode(bytes, forKey: .opportunities)
  }
}
