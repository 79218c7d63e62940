import PacketCases

@testable import MedullaFlows

/// Frames of one flow and what its features must be.
struct FlowCase {
  /// One frame by its parts, at a time in milliseconds.
  struct Frame {
    let milliseconds: UInt64
    let bytes: [UInt8]
    var length: Int?

    /// flags: FIN 1, SYN 2, RST 4, PSH 8, ACK 16, URG 32.
    static func tcp(
      _ milliseconds: UInt64, _ flags: UInt8, _ payload: [UInt8] = [], back: Bool = false,
      sequence: UInt8 = 1,
      options: [UInt8] = []
    ) -> Frame {
      var segment = Wire.tcp(flags: flags, options: options)
      segment[7] = sequence
      if back { segment.replaceSubrange(0..<4, with: Wire.word(443) + Wire.word(4_660)) }
      return Frame(
        milliseconds: milliseconds,
        bytes: Wire.ethernet(0x0800) + ip(6, segment.count + payload.count, back) + segment + payload)
    }

    static func udp(_ milliseconds: UInt64, _ payload: [UInt8], back: Bool = false) -> Frame {
      var datagram = Wire.udp(payload.count)
      if back { datagram.replaceSubrange(0..<4, with: Wire.word(53) + Wire.word(4_660)) }
      return Frame(
        milliseconds: milliseconds,
        bytes: Wire.ethernet(0x0800) + ip(17, datagram.count + payload.count, back) + datagram + payload)
    }

    private static func ip(_ protocol: UInt8, _ bytes: Int, _ back: Bool) -> [UInt8] {
      var header = Wire.four(`protocol`, bytes: bytes)
      if back { header.replaceSubrange(12..<20, with: [10, 0, 0, 2, 10, 0, 0, 1]) }
      return header
    }
  }

  static func meter(_ frames: [Frame], idle: Duration = .seconds(60), link: LinkLayer = .ethernet) throws
    -> FlowMeter
  {
    var meter = FlowMeter(idle: idle)
    for frame in frames {
      try frame.bytes.withUnsafeBytes { raw in
        _ = try meter.take(
          CaptureFrame(
            nanoseconds: 1_600_000_000_000_000_000 + frame.milliseconds * 1_000_000, bytes: raw,
            length: frame.length ?? raw.count),
          of: link)
      }
    }
    return meter
  }

  static func features(_ flow: FlowRecord) -> [String: UInt64] {
    Dictionary(uniqueKeysWithValues: zip(FlowFeature.all.map(\.name), flow.features))
  }
}
