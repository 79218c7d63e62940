import MedullaPayload

/// Bytes as a frame and as a datagram.
enum FrameScenario {
  /// What is read of them lies inside of them.
  static func run(_ bytes: [UInt8]) throws(Violation) {
    let segment = bytes.withUnsafeBytes { try? StreamSegment($0) }
    if let segment {
      try Violation.unless(
        segment.start >= 14 && segment.length >= 0 && segment.start + segment.length <= bytes.count,
        "a payload lies outside of its frame")
    }
    let header = bytes.withUnsafeBytes { try? PayloadHeader($0) }
    if let header {
      try Violation.unless(
        48 + Int(header.length) == bytes.count && header.sequence < header.total
          && Int(header.offset) + Int(header.length) <= Int(header.size), "a piece lies outside of its object"
      )
      var written = [UInt8](repeating: 0, count: 48)
      written.withUnsafeMutableBytes { header.write(to: $0) }
      try Violation.unless(written == Array(bytes.prefix(48)), "a header has two forms")
    }
  }
}
