/// One link of the experiment, and what runs over it.
public struct LinkCell: Codable, Equatable, Hashable, Sendable {
  /// Which of the three questions the cell belongs to.
  public enum Part: String, Codable, CaseIterable, Sendable {
    /// One flow on a loss-free link.
    case steady
    /// One flow with random loss.
    case loss
    /// Equal flows that share the link.
    case fairness
  }

  public var part: Part
  public var rateMbps: Double
  public var rttMilliseconds: Double
  public var bufferBdp: Double
  public var loss: Double
  public var flows: Int

  /// Bytes of payload in a full IP packet of 1,500 bytes, with TCP timestamps.
  public static let payloadBytes = 1448.0
  static let packetBytes = 1500.0
  /// A buffer holds at least this many packets, however small the bandwidth-delay product.
  static let leastPackets = 8.0

  /// The most goodput that the link can give: its rate without the headers of full packets.
  public var capacityMbps: Double { rateMbps * Self.payloadBytes / Self.packetBytes }

  public var bufferBytes: Int {
    let product = rateMbps * 1e6 / 8 * rttMilliseconds / 1000
    return Int(max(bufferBdp * product, Self.leastPackets * Self.packetBytes).rounded())
  }

  /// Half of the round trip each way; the bottleneck is on the way to the server, the way back is free.
  public func link(seed: UInt64) -> LinkConfiguration {
    let delay = UInt64(rttMilliseconds * 1e6 / 2)
    return LinkConfiguration(
      forward: PathConfiguration(
        bitsPerSecond: rateMbps * 1e6, delayNanoseconds: delay, bufferBytes: bufferBytes,
        lossProbability: loss),
      backward: PathConfiguration(delayNanoseconds: delay), seed: seed)
  }

  public var label: String {
    var text = "\(short(rateMbps)) Mbit/s, \(short(rttMilliseconds)) ms, \(short(bufferBdp)) BDP"
    if loss > 0 { text += ", \(short(loss * 100))% loss" }
    if flows > 1 { text += ", \(flows) flows" }
    return text
  }
}

/// A number without needless decimals.
func short(_ value: Double) -> String {
  value == value.rounded() && abs(value) < 1e15 ? "\(Int(value))" : "\(value)"
}
