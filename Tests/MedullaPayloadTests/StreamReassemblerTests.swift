import CMedullaABI
import MedullaBase
import Testing

@testable import MedullaPayload

/// A reassembler whose changes can stand in an expectation, and one TCP and one UDP flow.
final class StreamRig {
  var reassembler: StreamReassembler
  /// The frame that comes next.
  var frame: UInt64 = 0

  init(_ want: StreamWant, _ change: (inout StreamLimits) -> Void = { _ in }) throws {
    var limits = StreamLimits()
    limits.flows = 4
    limits.frames = 16
    limits.segmentsPerFlow = 16
    limits.window = 1_000
    limits.idle = 100
    limits.lifetime = 500
    limits.endedFlows = 4
    limits.memory = 1_000
    change(&limits)
    reassembler = try StreamReassembler(limits: limits, want: want, seed: 1)
  }

  @discardableResult
  func tcp(
    _ sequence: UInt32, _ length: Int, _ flags: Int32 = PACKET_ACK, port: UInt16 = 1, at now: UInt64 = 0
  ) -> StreamOutcome {
    take(PACKET_TCP, sequence, length, flags, port, now)
  }

  @discardableResult
  func udp(_ length: Int, port: UInt16 = 1, at now: UInt64 = 0) -> StreamOutcome {
    take(PACKET_UDP, 0, length, 0, port, now)
  }

  private func take(
    _ transport: Int32, _ sequence: UInt32, _ length: Int, _ flags: Int32, _ port: UInt16, _ now: UInt64
  ) -> StreamOutcome {
    var key = medulla_flow_key()
    key.protocol = UInt8(transport)
    key.source_port = port
    let segment = StreamSegment(
      key: StreamKey(key), isTCP: transport == PACKET_TCP, flags: UInt8(flags), sequence: sequence, start: 0,
      length: length)
    defer { frame += 1 }
    return reassembler.take(segment, frame: frame, place: Int(frame) * 1_000, at: now)
  }

  /// What is lent: frame, place in the frame, place in the stream, length.
  func lent(_ name: StreamName?) -> [[Int]] {
    var pieces: [[Int]] = []
    guard let name else { return [] }
    reassembler.lend(name) {
      pieces.append([$0.source / 1_000, $0.source % 1_000, $0.destination, $0.length])
    }
    return pieces
  }

  func finish(_ name: StreamName?) -> Bool { name.map { reassembler.finish($0) } ?? false }

  func expired(at now: UInt64) -> StreamFlow? { reassembler.nextExpired(at: now) }

  func drained() -> [UInt64] {
    var frames: [UInt64] = []
    reassembler.drainReleased { frames += Array($0) }
    return frames
  }
}

@Suite("Reassembly of streams")
struct StreamReassemblerTests {
  private static let whole = StreamWant(head: 1 << 20)

  @Test("segments in any order are one stream from the SYN to the FIN, also where numbers wrap around")
  func order() throws {
    for first in [0, 100, 0x7FFF_FFF0, 0xFFFF_FFF0, 0xFFFF_FFFF] as [UInt32] {
      let rig = try StreamRig(Self.whole)
      let name = rig.tcp(first, 0, PACKET_SYN).flow
      let start = first &+ 1
      #expect(!rig.tcp(start &+ 10, 10).hasNews)
      #expect(!rig.tcp(start &+ 30, 5, PACKET_FIN).ends)
      #expect(rig.lent(name) == [])
      #expect(rig.tcp(start, 10).hasNews)
      #expect(rig.lent(name) == [[3, 0, 0, 10], [1, 0, 10, 10]])
      #expect(rig.tcp(start &+ 20, 10).ends)
      #expect(rig.lent(name) == [[4, 0, 20, 10], [2, 0, 30, 5]])
      #expect(name.flatMap { rig.reassembler.flow($0) }?.ending == .whole)
      #expect(rig.tcp(start &+ 20, 10).cause == .afterEnd)
      #expect(rig.finish(name) && !rig.finish(name) && rig.drained().sorted() == [1, 2, 3, 4])
      #expect(rig.reassembler.counts[.whole] == 1 && rig.reassembler.heldFrames == 0)
    }
  }

  @Test(
    "of bytes that come twice the first are kept, and a frame that fills gaps is released with its last part")
  func overlap() throws {
    let rig = try StreamRig(Self.whole)
    let name = try #require(rig.tcp(0, 0, PACKET_SYN).flow)
    rig.tcp(11, 10)  // 10..<20
    rig.tcp(31, 10)  // 30..<40
    #expect(rig.tcp(1 + 12, 5).cause == .repeated)
    #expect(rig.tcp(1, 50).cause == .accepted)  // the rest of 0..<50
    #expect(
      rig.lent(name) == [
        [4, 0, 0, 10], [1, 0, 10, 10], [4, 20, 20, 10], [2, 0, 30, 10], [4, 40, 40, 10],
      ])
    #expect(rig.tcp(1, 50).cause == .repeated && rig.reassembler.heldFrames == 3)
    #expect(rig.reassembler.giveBack(name, count: 3) == 3)
    #expect(rig.drained() == [1])
    #expect(rig.reassembler.giveBack(name, count: 9) == 2)
    #expect(rig.drained() == [2, 4])
    #expect(rig.tcp(1 + 49, 2).cause == .accepted)
    #expect(rig.lent(name) == [[6, 1, 50, 1]])
  }

  @Test("what a flow cannot be is refused by its cause, and ends nothing")
  func refusals() throws {
    let rig = try StreamRig(Self.whole) { $0.segmentsPerFlow = 2 }
    #expect(rig.tcp(50, 5).cause == .withoutStart)
    #expect(rig.tcp(50, 0, PACKET_RST).cause == .withoutStart)
    #expect(rig.tcp(0, 0, PACKET_SYN).begins)
    #expect(rig.tcp(0, 0, PACKET_SYN).cause == .control, "it comes again")
    #expect(rig.tcp(7, 0, PACKET_SYN).cause == .inconsistent)
    #expect(rig.tcp(1_000, 2).cause == .beyondWindow)
    #expect(rig.tcp(999, 2).cause == .accepted)
    #expect(rig.tcp(99, 2, PACKET_FIN).cause == .inconsistent, "bytes behind it are there")
    #expect(rig.tcp(1_001, 0, PACKET_RST).cause == .inconsistent, "it is ahead of the window")
    #expect(rig.tcp(0, 0, PACKET_RST).cause == .inconsistent, "it is behind")
    #expect(rig.tcp(51, 950, PACKET_FIN).cause == .accepted)
    #expect(rig.tcp(1_000, 0, PACKET_FIN).cause == .inconsistent, "another end")
    #expect(rig.tcp(1_001, 1).cause == .beyondEnd)
    #expect(rig.tcp(1, 10).cause == .flowFull)
    #expect(rig.tcp(1, 0, PACKET_RST).ends)
    #expect(rig.reassembler.counts[.reset] == 1 && rig.drained().count == 2)
  }

  @Test("with a head wanted, a flow ends for its consumer when that is there, and holds no more")
  func head() throws {
    let rig = try StreamRig(StreamWant(head: 15))
    let name = rig.tcp(0, 0, PACKET_SYN).flow
    #expect(rig.tcp(21, 10).cause == .notWanted)
    rig.tcp(11, 10)
    #expect(rig.tcp(1, 10).ends)
    #expect(rig.lent(name) == [[3, 0, 0, 10], [2, 0, 10, 5]])
    #expect(rig.tcp(31, 5).cause == .afterEnd)
    // A new connection between the same ports is another flow.
    #expect(rig.tcp(500, 0, PACKET_SYN).begins)
  }

  @Test("with a tail wanted, only head and tail are held, and the tail is told when the flow has ended")
  func tail() throws {
    let rig = try StreamRig(StreamWant(head: 15, tail: 12))
    let name = rig.tcp(0, 0, PACKET_SYN).flow
    for index in 0..<9 as Range<UInt32> { rig.tcp(1 + 10 * index, 10) }
    #expect(rig.reassembler.heldFrames == 4)
    #expect(rig.drained() == [3, 4, 5, 6, 7])
    #expect(rig.lent(name) == [[1, 0, 0, 10], [2, 0, 10, 10]])
    #expect(rig.tcp(91, 3, PACKET_FIN).ends)
    #expect(rig.lent(name) == [[9, 0, 80, 10], [10, 0, 90, 3]])
    #expect(rig.drained() == [8])
    #expect(rig.finish(name) && rig.drained().sorted() == [1, 2, 9, 10])
  }

  @Test("datagrams follow one another as they come, until enough is there or nothing comes any more")
  func datagrams() throws {
    let rig = try StreamRig(StreamWant(head: 25))
    let name = rig.udp(10).flow
    #expect(rig.udp(0).cause == .control)
    rig.udp(10, at: 50)
    #expect(rig.expired(at: 149) == nil)
    #expect(rig.udp(10, at: 150).cause == .late)
    let flow = try #require(rig.expired(at: 150))
    #expect(flow.ending == .idle && flow.length == 20 && flow.name == name && flow.held == 2)
    #expect(rig.lent(name) == [[0, 0, 0, 10], [2, 0, 10, 10]])
    #expect(rig.udp(10, at: 160).begins && rig.finish(name))
    // What follows silence is another flow; what follows enough is not, for as long as that is remembered.
    #expect(rig.udp(10, at: 161).hasNews && rig.udp(10, at: 161).ends)
    #expect(rig.udp(10, at: 170).cause == .afterEnd && rig.udp(10, at: 1_161).cause == .afterEnd)
    #expect(rig.udp(10, at: 1_162).begins)
  }

  @Test("a flow that always has something to say ends by its age, and what is behind a gap is released")
  func age() throws {
    let rig = try StreamRig(Self.whole)
    let name = rig.tcp(0, 0, PACKET_SYN).flow
    for time in 1...9 as ClosedRange<UInt64> { rig.tcp(UInt32(time) * 20, 1, at: time * 50) }
    let flow = try #require(rig.expired(at: 500))
    #expect(flow.ending == .aged && flow.held == 0 && flow.length == 0 && rig.drained().count == 9)
    #expect(rig.finish(name) && rig.expired(at: 500) == nil)
  }

  @Test("a flow whose beginning was not seen is taken from its first segment, where that is wanted")
  func midStream() throws {
    let rig = try StreamRig(StreamWant(head: 100, takesMidStream: true))
    #expect(rig.tcp(500, 0).cause == .withoutStart, "an ACK is no segment to begin with")
    let name = rig.tcp(500, 10).flow
    #expect(rig.tcp(490, 15).cause == .repeated, "what lies before is not the stream's")
    #expect(rig.tcp(490, 25).cause == .accepted)
    #expect(rig.lent(name) == [[1, 0, 0, 10], [3, 20, 10, 5]])
    #expect(rig.reassembler.counts.midStream == 1)
  }

  @Test("when flows or frames are full, what is new is refused, and a flow knows what it lacks")
  func full() throws {
    let rig = try StreamRig(Self.whole) { ($0.flows, $0.frames, $0.segmentsPerFlow) = (2, 3, 3) }
    let name = try #require(rig.udp(10, port: 1).flow)
    let other = rig.udp(10, port: 2).flow
    #expect(rig.udp(10, port: 3).cause == .noSlot)
    #expect(rig.udp(10, port: 1).cause == .accepted && rig.udp(10, port: 1).cause == .noMemory)
    #expect(rig.reassembler.flow(name)?.refused == 1)
    #expect(rig.finish(other) && rig.reassembler.counts[.dropped] == 1)
    #expect(rig.udp(10, port: 1).cause == .noMemory, "the frame that was released is not fetched yet")
    #expect(rig.drained() == [1] && rig.udp(10, port: 1).cause == .accepted)
    #expect(rig.reassembler.counts.begun == 2 && rig.reassembler.flowsUnderWay == 1)
  }

  @Test("settings that cannot be are refused")
  func settings() throws {
    let changes: [(inout StreamLimits) -> Void] = [
      { $0.flows = 0 }, { $0.frames = 0 }, { $0.segmentsPerFlow = 0 }, { $0.segmentsPerFlow = 17 },
      { $0.window = 0 }, { $0.window = 1 << 31 }, { $0.idle = 0 }, { $0.lifetime = 0 }, { $0.endedFlows = 0 },
    ]
    for change in changes { #expect(throws: PayloadError.self) { try StreamRig(Self.whole, change) } }
    for (head, tail) in [(0, 0), (1, -1), (1 << 41, 0), (1, 1 << 41)] {
      #expect(throws: PayloadError.self) { try StreamRig(StreamWant(head: head, tail: tail)) }
    }
  }
}
