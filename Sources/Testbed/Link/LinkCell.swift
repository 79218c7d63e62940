/// One emulated link with a bottleneck, by the figures that people give.
package struct LinkCell: Codable, Equatable, Hashable, Sendable {
  package var rateMbps: Double
  package var rttMilliseconds: Double
  package var bufferBdp: Double
  package var loss: Double
  package var flows: Int

  package init(
    rateMbps: Double, rttMilliseconds: Double, bufferBdp: Double, loss: Double = 0, flows: Int = 1
  ) {
    (self.rateMbps, self.rttMilliseconds, self.bufferBdp) = (rateMbps, rttMilliseconds, bufferBdp)
    (self.loss, self.flows) = (loss, flows)
  }

  /// Bytes of payload in a full IP packet of 1,500 bytes, with TCP timestamps.
  package static let payloadBytes = 1448.0
  package static let packetBytes = 1500.0
  /// A buffer holds at least this many packets, however small the bandwidth-delay product.
  package static let leastPackets = 8.0

  /// The most goodput that the link can give: its rate without the headers of full packets.
  package var capacityMbps: Double { rateMbps * Self.payloadBytes / Self.packetBytes }

  package var bufferBytes: Int {
    let product = rateMbps * 1e6 / 8 * rttMilliseconds / 1000
    return Int(max(bufferBdp * product, Self.leastPackets * Self.packetBytes).rounded())
  }

  /// Half of the round trip each way; the bottleneck is on the way to the server, the way back is free.
  package func link(seed: UInt64) -> LinkConfiguration {
    var link = LinkConfiguration.path(
      mbps: rateMbps, rttMs: rttMilliseconds, bufferBytes: bufferBytes, seed: seed)
    link.forward.lossProbability = loss
    return link
  }

  package var label: String {
    var text = "\(short(rateMbps)) Mbit/s, \(short(rttMilliseconds)) ms, \(short(bufferBdp)) BDP"
    if loss > 0 { text += ", \(short(loss * 100))% loss" }
    if flows > 1 { text += ", \(flows) flows" }
    return text
  }
}

extension LinkConfiguration {
  /// Half of the round trip each way; the bottleneck is on the way to the server.
  package static func path(
    mbps: Double?, rttMs: Double, bufferBytes: Int, markAboveBytes: Int? = nil, trace: DeliveryTrace? = nil,
    seed: UInt64
  ) -> LinkConfiguration {
    let delay = UInt64(max(rttMs, 0) * 1e6 / 2)
    return LinkConfiguration(
      forward: PathConfiguration(
        bitsPerSecond: mbps.map { $0 * 1e6 }, delayNanoseconds: delay, bufferBytes: bufferBytes,
        markAboveBytes: markAboveBytes, trace: trace),
      backward: PathConfiguration(delayNanoseconds: delay), seed: seed)
  }

  /// The bottleneck on the way to the client.
  package var turned: LinkConfiguration {
    var link = self
    (link.forward, link.backward) = (link.backward, link.forward)
    return link
  }
}

/// A number without needless decimals.
package func short(_ value: Double) -> String {
  value == value.rounded() && abs(value) < 1e15 ? "\(Int(value))" : "\(value)"
}
