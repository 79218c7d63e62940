import Foundation
import TestbedLink

/// What iperf3 3.9 or later prints with `-J`, as far as it is used here.
struct Iperf3Report: Decodable, Equatable {
  struct Start: Decodable, Equatable {
    struct Connection: Decodable, Equatable {
      let socket: Int
      let localPort: Int
      let remotePort: Int
    }
    let connected: [Connection]?
    let version: String?
  }
  struct Interval: Decodable, Equatable {
    struct Stream: Decodable, Equatable {
      let socket: Int
      let start: Double
      let end: Double
      let bytes: Double
      let retransmits: Int?
      /// Smoothed round-trip time in microseconds; senders only.
      let rtt: Double?
    }
    let streams: [Stream]
  }

  let start: Start
  let intervals: [Interval]?
  let error: String?

  /// Reads iperf3's JSON; throws `unreadableReport` for anything else, and `processFailed` for iperf3's own
  /// error.
  init(json: [UInt8]) throws {
    let decoder = JSONDecoder()
    decoder.keyDecodingStrategy = .convertFromSnakeCase
    do {
      self = try decoder.decode(Iperf3Report.self, from: Data(json))
    } catch {
      throw TestbedError(
        .unreadableReport, "iperf3's report cannot be read: \(error).", remedy: "Use iperf3 3.9 or later.")
    }
    if let error {
      throw TestbedError(
        .processFailed, "iperf3 failed: \(error).",
        remedy: "Run it by hand in `medulla link --iperf3 -- sh`.")
    }
  }
}
