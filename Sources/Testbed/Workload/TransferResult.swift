import TestbedLink

/// What the flows of one transfer achieved.
package struct TransferResult: Codable, Equatable, Sendable {
  package var congestion: String
  package var flows: [FlowResult]
  package var iperf3Version: String

  /// Goodput of all flows between two times of the transfer, in bits per second.
  package func goodput(from start: Double, to end: Double) -> Double {
    flows.reduce(0) { $0 + $1.goodput(from: start, to: end) }
  }

  /// Goodput of all flows in Mbit/s, for each whole piece of `every` seconds between two times.
  package func goodputSeries(from start: Double, to end: Double, every width: Double) -> [Double] {
    let count = Int(((end - start) / width + 1e-9).rounded(.down))
    guard width > 0, count > 0, count <= 1_000_000 else { return [] }
    return (0..<count).map { index in
      let from = start + Double(index) * width
      return goodput(from: from, to: from + width) / 1e6
    }
  }

  /// Segments sent again, in the whole transfer.
  package var retransmits: Int { flows.reduce(0) { $0 + $1.retransmits } }

  /// Segments sent again until `end`: later ones may belong to whoever has taken over the flows.
  package func retransmits(until end: Double) -> Int {
    flows.reduce(0) { sum, flow in
      sum + flow.retransmissions.reduce(0) { $0 + ($1.time <= end ? $1.segments : 0) }
    }
  }

  /// TCP's smoothed round-trip times in milliseconds, of all flows, from `start` on.
  package func roundTrips(from start: Double) -> [Double] {
    flows.flatMap { flow in flow.roundTrips.filter { $0.time >= start }.map(\.milliseconds) }
  }
}

/// One TCP connection of a transfer. Times are seconds since its start.
package struct FlowResult: Codable, Equatable, Sendable {
  /// What the receiving program read in one interval.
  package struct Interval: Codable, Equatable, Sendable {
    package var start: Double
    package var end: Double
    package var bytes: Double

    package var bitsPerSecond: Double { end > start ? bytes * 8 / (end - start) : 0 }
  }

  package struct RoundTrip: Codable, Equatable, Sendable {
    package var time: Double
    package var milliseconds: Double
  }

  /// Segments that were sent again in an interval that ended at a time.
  package struct Retransmissions: Codable, Equatable, Sendable {
    package var time: Double
    package var segments: Int
  }

  /// The sender's port.
  package var port: Int
  package var received: [Interval]
  package var roundTrips: [RoundTrip]
  package var retransmissions: [Retransmissions]

  package var retransmits: Int { retransmissions.reduce(0) { $0 + $1.segments } }

  /// Goodput between two times: each interval counts with the part of it that lies between them.
  package func goodput(from start: Double, to end: Double) -> Double {
    guard end > start else { return 0 }
    let bytes = received.reduce(0.0) { sum, interval in
      let overlap = min(end, interval.end) - max(start, interval.start)
      guard overlap > 0, interval.end > interval.start else { return sum }
      return sum + interval.bytes * overlap / (interval.end - interval.start)
    }
    return bytes * 8 / (end - start)
  }
}

extension TransferResult {
  /// Joins the sender's report (round-trip times, retransmissions) with the receiver's (goodput) by port.
  init(congestion: String, sender: Iperf3Report, receiver: Iperf3Report) throws {
    let sockets = sender.start.connected ?? []
    let received = receiver.start.connected ?? []
    guard !sockets.isEmpty else {
      throw TestbedError(
        .unreadableReport, "iperf3 reports no connection.", remedy: "See whether the link carries packets.")
    }
    let sent = (sender.intervals ?? []).flatMap(\.streams)
    let taken = (receiver.intervals ?? []).flatMap(\.streams)
    let flows = sockets.map { connection in
      let own = sent.filter { $0.socket == connection.socket }
      let peer = received.first { $0.remotePort == connection.localPort }?.socket
      return FlowResult(
        port: connection.localPort,
        received: taken.filter { $0.socket == peer }
          .map { .init(start: $0.start, end: $0.end, bytes: $0.bytes) },
        roundTrips: own.compactMap { stream in
          stream.rtt.map { .init(time: stream.end, milliseconds: $0 / 1000) }
        },
        retransmissions: own.compactMap { stream in
          stream.retransmits.flatMap { $0 > 0 ? .init(time: stream.end, segments: $0) : nil }
        })
    }
    self.init(congestion: congestion, flows: flows, iperf3Version: sender.start.version ?? "unknown")
  }
}
