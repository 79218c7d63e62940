import Testing

@testable import TestbedLink

@Suite("Super-segments")
struct SuperSegmentTests {
  struct Case: CustomTestStringConvertible, Sendable {
    let version: Int
    let payload: Int
    let size: Int
    let perUnit: Int
    var testDescription: String { "IPv\(version), \(payload) bytes in \(size), \(perUnit) a unit" }
  }

  static let sizes: [(Int, Int, Int)] = [
    (1449, 1448, 1), (2896, 1448, 1), (30_000, 1448, 8), (61_000, 1448, 44), (7, 1, 3), (4343, 536, 2),
  ]
  static let cases: [Case] = [4, 6].flatMap { version in
    sizes.map { Case(version: version, payload: $0.0, size: $0.1, perUnit: $0.2) }
  }

  private func cut(_ frame: [UInt8], perUnit: Int) throws -> [[UInt8]] {
    try frame.withUnsafeBufferPointer { buffer in
      let base = try #require(buffer.baseAddress)
      let whole = try #require(SuperSegment(frame: base, length: frame.count))
      var units: [[UInt8]] = []
      for offset in stride(from: 0, to: whole.payloadBytes, by: perUnit * whole.segmentBytes) {
        let count = min(perUnit * whole.segmentBytes, whole.payloadBytes - offset)
        var unit = [UInt8](repeating: 0xee, count: VirtioHeader.bytes + whole.headerBytes + count)
        unit.withUnsafeMutableBufferPointer { out in
          if let out = out.baseAddress { whole.cut(base, offset: offset, count: count, into: out) }
        }
        units.append(unit)
      }
      return units
    }
  }

  @Test("units carry the payload in order, each with right lengths, numbers and checksums", arguments: cases)
  func cuts(_ item: Case) throws {
    let frame = Frames.superSegment(version: item.version, payload: item.payload, size: item.size)
    let network = item.version == 4 ? 20 : 40
    let header = network + 32
    var payload: [UInt8] = []
    for unit in try cut(frame, perUnit: item.perUnit) {
      let packet = [UInt8](unit.dropFirst(10))
      let sequence =
        UInt32(Frames.big16(packet, network + 4)) << 16 | UInt32(Frames.big16(packet, network + 6))
      #expect(sequence == 0xffff_ff00 &+ UInt32(payload.count))
      if item.version == 4 {
        #expect(Frames.big16(packet, 2) == packet.count)
        #expect(Frames.big16(packet, 4) == (0xfffe + payload.count / item.size) & 0xffff)
        #expect(Frames.sum(packet[0..<20]) == 0xffff, "IPv4 header checksum")
      } else {
        #expect(Frames.big16(packet, 4) == packet.count - 40)
      }
      #expect(Frames.completedChecksumIsRight(packet, network: network))
      let single = packet.count - header <= item.size
      #expect(unit[1] == (single ? 0 : item.version == 4 ? 1 : 4))
      #expect(Int(unit[2]) | Int(unit[3]) << 8 == header, "the header length that the device checks")
      payload += packet.dropFirst(header)
    }
    #expect(payload == [UInt8](frame.dropFirst(10 + header)))
  }

  @Test("PSH and FIN stay with the last unit, CWR with the first")
  func flags() throws {
    let frame = Frames.superSegment(version: 4, payload: 5000, size: 1448, flags: 0x99)
    let flags = try cut(frame, perUnit: 1).map { $0[10 + 20 + 13] }
    #expect(flags == [0x90, 0x10, 0x10, 0x19])
  }

  @Test("wire bytes count a header for every segment")
  func wireBytes() throws {
    let frame = Frames.superSegment(version: 6, payload: 2897, size: 1448)
    let whole = frame.withUnsafeBufferPointer { buffer in
      buffer.baseAddress.flatMap { SuperSegment(frame: $0, length: buffer.count) }
    }
    #expect(whole?.segments == 3)
    #expect(whole?.wireBytes == 2897 + 3 * 72)
  }

  @Test(
    "what is no well-formed TCP super-segment is not taken for one",
    arguments: [
      (1, 0), (1, 3), (1, 5), (4, 0), (6, 0), (6, 200), (10, 0x65), (10 + 20 + 12, 0xf0),
      (10 + 20 + 12, 0x10),
    ] as [(Int, UInt8)])
  func malformed(at: Int, value: UInt8) {
    var frame = Frames.superSegment(version: 4, payload: 20, size: 8)
    frame[at] = value
    frame.withUnsafeBufferPointer { buffer in
      guard let base = buffer.baseAddress else { return }
      #expect(SuperSegment(frame: base, length: buffer.count) == nil)
    }
  }

  @Test("a frame that ends within its headers is not taken for a super-segment")
  func truncated() {
    let frame = Frames.superSegment(version: 4, payload: 100, size: 50)
    frame.withUnsafeBufferPointer { buffer in
      guard let base = buffer.baseAddress else { return }
      for length in 10...62 { #expect(SuperSegment(frame: base, length: length) == nil) }
      #expect(SuperSegment(frame: base, length: 63) != nil)
    }
  }

  @Test("a mark makes ECN-capable packets Congestion Experienced and leaves the others", arguments: [4, 6])
  func mark(version: Int) {
    for codepoint: UInt8 in 0...3 {
      var frame = Frames.superSegment(
        version: version, payload: 100, size: 100, trafficClass: 0xa8 | codepoint)
      let before = frame
      let marked = frame.withUnsafeMutableBufferPointer { buffer in
        buffer.baseAddress.map { CongestionMark.set($0 + 10) } ?? false
      }
      let packet = [UInt8](frame.dropFirst(10))
      let trafficClass = version == 4 ? packet[1] : packet[0] << 4 | packet[1] >> 4
      #expect(marked == (codepoint != 0))
      #expect(trafficClass == (codepoint == 0 ? 0xa8 : 0xab))
      if version == 4 { #expect(Frames.sum(packet[0..<20]) == 0xffff) }
      if codepoint == 0 { #expect(frame == before) }
    }
  }
}
