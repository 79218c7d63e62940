import CMedullaABI
import PacketCases
import Testing

@testable import MedullaPayload

@Suite("Segments of frames")
struct StreamSegmentTests {
  private func read(_ frame: [UInt8]) -> Result<StreamSegment, StreamCause> {
    frame.withUnsafeBytes { bytes in
      do throws(StreamCause) {
        return .success(try StreamSegment(bytes))
      } catch {
        return .failure(error)
      }
    }
  }

  private static func cause(_ fixture: PacketFixture) -> StreamCause? {
    let isStream = fixture.seen.map { $0.protocol == 6 || $0.protocol == 17 } ?? false
    if fixture.name.contains("fragment") { return .fragment }
    if fixture.seen == nil { return .noFlow }
    if !isStream { return .otherTransport }
    return fixture.segment > 0 ? .cut : nil
  }

  @Test("of each fixture the payload's place is read, or its cause told", arguments: PacketFixture.all)
  func fixtures(fixture: PacketFixture) throws {
    switch read(fixture.bytes) {
    case .failure(let cause): #expect(cause == Self.cause(fixture))
    case .success(let segment):
      #expect(Self.cause(fixture) == nil)
      #expect(segment.start >= fixture.headers && segment.length == Int(fixture.seen?.payload ?? .max))
      let payload = fixture.bytes[segment.start..<(segment.start + segment.length)]
      #expect(payload == Wire.payload.prefix(segment.length))
      #expect(segment.key.flow.source_port == UInt16(4_660).bigEndian)
      #expect(segment.isTCP == (fixture.seen?.protocol == 6))
      for count in 0..<(segment.start + segment.length) {
        if case .success = read(Array(fixture.bytes.prefix(count))) { Issue.record("cut to \(count)") }
      }
    }
  }

  private static let datagram = Wire.udp(32) + Wire.payload

  @Test("every part of a packet that was cut is refused, an IPv6 packet in one part is not")
  func fragments() throws {
    func six(_ word: Int, before: [UInt8] = []) -> [UInt8] {
      Wire.ethernet(0x86dd) + Wire.six(before.isEmpty ? 44 : 60, bytes: 48 + before.count) + before + [17, 0]
        + Wire.word(word) + [0, 0, 0, 1] + Self.datagram
    }
    for (frame, cause) in [
      (six(0), nil), (six(1), .fragment), (six(8), .fragment), (six(9), .fragment),
      (six(1, before: Wire.extensions([44])), .fragment), (six(8, before: Wire.extensions([44])), .fragment),
      (six(0, before: Wire.extensions([44])), nil),
      (
        Wire.ethernet(0x0800, tags: [0x8100]) + Wire.four(17, bytes: 40, fragment: 0x2000) + Self.datagram,
        .fragment
      ),
      (
        Wire.ethernet(0x0800, tags: [0x8100]) + Wire.four(17, bytes: 40, fragment: 0x0003) + Self.datagram,
        .fragment
      ),
      (Wire.ethernet(0x0800) + Wire.four(17, bytes: 40, fragment: 0x4000) + Self.datagram, nil),
    ] as [([UInt8], StreamCause?)] {
      switch read(frame) {
      case .success: #expect(cause == nil)
      case .failure(let told): #expect(told == cause)
      }
    }
  }

  @Test("a frame is taken by its bytes, counted once, and its payload told where it lies")
  func frames() throws {
    var reassembler = try StreamReassembler(limits: StreamLimits(), want: StreamWant(head: 40), seed: 1)
    let frame = Wire.ethernet(0x0800) + Wire.four(17, bytes: 40) + Self.datagram
    let outcome = frame.withUnsafeBytes { reassembler.take($0, frame: 9, place: 4_096, at: 0) }
    let name = try #require(outcome.flow)
    var pieces: [PayloadPiece] = []
    reassembler.lend(name) { pieces.append($0) }
    #expect(pieces == [PayloadPiece(source: 4_096 + 42, destination: 0, length: 32)])
    let second = frame.withUnsafeBytes { reassembler.take($0, frame: 10, place: 8_192, at: 0) }
    #expect(second.ends && reassembler.flow(name)?.ending == .enough && reassembler.flow(name)?.length == 40)
    let none = Array(frame.prefix(60)).withUnsafeBytes { reassembler.take($0, frame: 1, place: 0, at: 0) }
    #expect(none.cause == .cut && !none.keepsFrame && reassembler.counts.segments == 3)
  }
}
