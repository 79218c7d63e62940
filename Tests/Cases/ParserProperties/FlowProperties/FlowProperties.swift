import MedullaFlows

/// What holds for the reader of flows on any bytes at all.
package enum FlowProperties {
  /// One of each header that there is.
  private static let links: [LinkLayer] = [
    .ethernet, .raw, .typed(bytes: 4, at: 2), .typed(bytes: 16, at: 14), .typed(bytes: 20, at: 0), .family,
    .pointToPoint,
  ]

  /// Frames of made-up bytes: two bytes of length, two of time, then the frame; times go on, and now and then
  /// back.
  ///
  /// - Returns: what does not hold; nil: all does.
  package static func violation(_ bytes: [UInt8]) -> String? {
    for link in links {
      if let violation = violation(bytes, link) { return "\(link): \(violation)" }
    }
    return nil
  }

  private static func violation(_ bytes: [UInt8], _ link: LinkLayer) -> String? {
    var meter = FlowMeter(idle: .seconds(60))
    var (at, time, length): (Int, UInt64, UInt64) = (0, 1 << 40, 0)
    while at + 4 < bytes.count {
      let size = Int(bytes[at]) | Int(bytes[at + 1] & 7) << 8
      let step = UInt64(bytes[at + 2]) | UInt64(bytes[at + 3]) << 8
      time = step & 1 == 1 ? time &+ step << 20 : time &- step << 10
      let frame = Array(bytes[(at + 4)...].prefix(size))
      at += 4 + frame.count
      let counted = frame.withUnsafeBytes { raw in
        (try? meter.take(CaptureFrame(nanoseconds: time, bytes: raw, length: size), of: link)) ?? nil
      }
      if counted != nil { length += UInt64(size) }
    }
    return meter.violation(bytes: length)
  }
}

extension FlowMeter {
  /// Counts must add up to the frame, and each feature must lie where its formula allows.
  fileprivate func violation(bytes: UInt64) -> String? {
    var (packets, total): (UInt64, UInt64) = (0, 0)
    for flow in flows {
      let values = Dictionary(uniqueKeysWithValues: zip(FlowFeature.all.map(\.name), flow.features))
      func value(_ name: String) -> UInt64 { values[name] ?? .max }
      packets += value("packets")
      total += value("bytes")
      guard value("packets_forward") + value("packets_backward") == value("packets") else {
        return "packets each way are not all packets"
      }
      for name in values.keys where name.hasSuffix("_mean") {
        let stem = name.dropLast("_mean".count)
        let (least, most) = (value(stem + "_minimum"), value(stem + "_maximum"))
        guard least <= value(name), value(name) <= most else { return "\(name) lies outside its values" }
        // The population's deviation is at most half of the width.
        guard value(stem + "_deviation") * 2 <= most - least + 1 else {
          return "\(stem)_deviation is too large"
        }
      }
      guard value("head_entropy") <= 4_000 else { return "more than four bits in half a byte" }
    }
    guard packets == UInt64(counts.frames - counts.withoutFlow) else { return "frames are lost" }
    return total == bytes ? nil : "bytes are lost: \(total) of \(bytes)"
  }
}
