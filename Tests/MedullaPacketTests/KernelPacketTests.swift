import CMedullaABI
import DatapathCases
import MedullaBase
import MedullaKernel
import PacketCases
import Testing

@testable import MedullaDatapath
@testable import MedullaPacket

/// Packets as packets: bytes go in, verdict, bytes and maps come out, by test run.
@Suite(
  "packets through the parser and a function", .serialized,
  .enabled(if: KernelTestHost.isUsable, KernelTestHost.reason))
struct KernelPacketTests {
  private static let ethernetHeader = 14
  private static let leastForTC = ethernetHeader + 40

  /// The bytes that must come out.
  private func expected(_ bytes: [UInt8], isFlow: Bool) -> [UInt8] {
    var bytes = bytes
    if isFlow { bytes[11] = PacketBench.stamp }
    return bytes
  }

  @Test(
    "each frame is seen as what it is, at tc and at XDP, and only a flow's is touched",
    arguments: [false, true])
  func fixtures(xdp: Bool) throws {
    let bench = try PacketBench(xdp: xdp)
    for fixture in PacketFixture.all {
      let run = try bench.program.run(on: fixture.bytes, segment: xdp ? 0 : fixture.segment)
      #expect(try bench.seen() == fixture.seen, "\(fixture.name)")
      #expect(run.verdict == (fixture.seen == nil ? 1 : 3), "\(fixture.name)")
      #expect(run.bytes == expected(fixture.bytes, isFlow: fixture.seen != nil), "\(fixture.name)")
    }
  }

  @Test(
    "a frame that is cut off at any byte is a flow when its headers are there, and else none",
    arguments: [false, true])
  func truncated(xdp: Bool) throws {
    let bench = try PacketBench(xdp: xdp)
    for fixture in PacketFixture.all {
      for length in Self.ethernetHeader..<fixture.bytes.count {
        let bytes = Array(fixture.bytes.prefix(length))
        let result = Result { try bench.program.run(on: bytes) }
        // The kernel makes no packet for tc of less than its network header.
        if !xdp, length < Self.leastForTC, case .failure = result { continue }
        let run = try result.get()
        let isFlow = fixture.seen != nil && length >= fixture.headers
        #expect(run.verdict == (isFlow ? 3 : 1), "\(fixture.name), \(length) bytes")
        #expect(run.bytes == expected(bytes, isFlow: isFlow), "\(fixture.name), \(length) bytes")
      }
    }
  }

  @Test(
    "a flow is in the table and on the count from its first packet to its last", arguments: [false, true])
  func life(xdp: Bool) throws {
    let bench = try PacketBench(xdp: xdp)
    func frame(_ flags: UInt8, _ payload: [UInt8] = []) -> [UInt8] {
      Wire.ethernet(0x0800) + Wire.four(6, bytes: 20 + payload.count) + Wire.tcp(flags: flags) + payload
    }
    #expect(try bench.flows() == [0, 0])
    // A bare segment of no flow begins none.
    _ = try bench.program.run(on: frame(16))
    #expect(try bench.flows() == [0, 0])
    _ = try bench.program.run(on: frame(2))
    _ = try bench.program.run(on: frame(16, Wire.payload))
    #expect(try bench.flows() == [1, 1])
    #expect(try bench.places() == 1)
    _ = try bench.program.run(on: frame(17))
    #expect(try bench.flows() == [0, 0] && bench.places() == 0, "its place is free at once")
    // Again, ended by the other side's reset.
    _ = try bench.program.run(on: frame(2))
    var reset = frame(4)
    reset.replaceSubrange(26..<34, with: [10, 0, 0, 2, 10, 0, 0, 1])
    reset.replaceSubrange(34..<38, with: Wire.word(443) + Wire.word(4_660))
    _ = try bench.program.run(on: reset)
    #expect(try bench.flows() == [0, 0])
  }

  @Test("what is served without being kept is on no count, also when flows follow the active slot")
  func unkept() throws {
    let bench = try PacketBench(xdp: false)
    let snapshot = try KernelTestHost.network(seed: 2, inputs: 4, outputs: 2).snapshot
    let bare = Wire.ethernet(0x0800) + Wire.four(6, bytes: 20) + Wire.tcp(flags: 16)
    _ = try bench.program.run(on: bare)
    try bench.set.map("medulla_slots").set(words: snapshot.image, at: 1)
    bench.control.describe(1, snapshot.identity, version: 2, now: MonotonicClock.nanoseconds)
    bench.control.active = 1
    bench.control.follows = true
    for _ in 0..<3 { #expect(try bench.program.run(on: bare).verdict == 3) }
    let counts = try SlotFlowCounts(
      flows: bench.set.map(SharedMaps.flowsName), shared: bench.set.map(SharedMaps.countersName))
    for slot in 0...1 {
      let flows = try counts.counted(of: Router.firstPin(of: 1) + slot)
      #expect(flows.held == 0 && flows.taken == 0 && flows.moved == 0)
    }
  }

  @Test("a decision takes working memory that nobody has, and without any is put off and counted")
  func workspaces() throws {
    let bench = try PacketBench(xdp: false)
    let begin = Wire.ethernet(0x0800) + Wire.four(6, bytes: 20) + Wire.tcp(flags: 2)
    let map = try bench.set.map("medulla_workspaces")
    let stored = try map.bytes(at: 0).count
    let size = (map.valueSize + 7) & ~7
    func mark(_ taken: Range<UInt32>) throws {
      for key in 0..<UInt32(MEDULLA_WORKSPACES) {
        let own = [taken.contains(key) ? 1 : 0] + [UInt8](repeating: 0, count: size - 1)
        try map.set(
          bytes: [[UInt8]](repeating: own, count: stored / size).flatMap(\.self), at: key)
      }
    }
    func counts() throws -> medulla_counts {
      medulla_counts.total(
        try bench.set.map("medulla_counts").valuesPerProcessor(at: 0, as: medulla_counts.self))
    }
    for taken in 0..<UInt32(MEDULLA_WORKSPACES) {
      try mark(0..<taken)
      #expect(try bench.program.run(on: begin).bytes[11] == PacketBench.stamp)
    }
    #expect(try counts().contended == 0 && counts().decisions == UInt64(MEDULLA_WORKSPACES))
    try mark(0..<UInt32(MEDULLA_WORKSPACES))
    #expect(try bench.program.run(on: begin).bytes == begin, "no decision, and so no stamp")
    #expect(try counts().contended == 1 && counts().decisions == UInt64(MEDULLA_WORKSPACES))
  }

  @Test("each decision's time is taken when that is asked for: a short one, and none otherwise")
  func times() throws {
    let bench = try PacketBench(xdp: false)
    let begin = Wire.ethernet(0x0800) + Wire.four(6, bytes: 20) + Wire.tcp(flags: 2)
    func counts() throws -> medulla_counts {
      medulla_counts.total(
        try bench.set.map("medulla_counts").valuesPerProcessor(at: 0, as: medulla_counts.self))
    }
    _ = try bench.program.run(on: begin)
    #expect(try counts().measured == 0 && counts().measured_ns == 0)
    bench.control.measures = true
    for _ in 0..<3 { _ = try bench.program.run(on: begin) }
    let said = try counts()
    #expect(said.measured == 3 && said.measured_min_ns > 0 && said.measured_min_ns <= said.measured_max_ns)
    // An inference takes microseconds at most; a second is what no preempted one takes.
    #expect(said.measured_ns < 1_000_000_000 && said.measured_ns >= 3 * said.measured_min_ns)
  }

  @Test("hundreds of flows all find a place in a table that has room for them")
  func places() throws {
    let bench = try PacketBench(xdp: false)
    for port in 0..<500 {
      var frame = Wire.ethernet(0x0800) + Wire.four(6, bytes: 20) + Wire.tcp(flags: 2)
      frame.replaceSubrange(34..<36, with: Wire.word(1_000 + port))
      _ = try bench.program.run(on: frame)
    }
    #expect(try bench.flows() == [500, 500])
  }

  @Test("with nothing loaded no flow is kept, and none is on any count")
  func nothingLoaded() throws {
    let bench = try PacketBench(xdp: false)
    let memory = try MappedMap(bench.set.map("medulla_control"))
    let place = MemoryLayout<medulla_control>.place(of: \medulla_control.active)
    let begin = Wire.ethernet(0x0800) + Wire.four(6, bytes: 20) + Wire.tcp(flags: 2)
    // What user space writes, and the first that is no slot.
    for active in [MEDULLA_NO_SLOT, UInt32(MEDULLA_SLOTS)] {
      memory.store32(active, at: place)
      #expect(try bench.program.run(on: begin).bytes == begin)
    }
    #expect(try bench.flows() == [0, 0])
    let counts = try SlotFlowCounts(
      flows: bench.set.map(SharedMaps.flowsName), shared: bench.set.map(SharedMaps.countersName))
    for pin in 0..<Int(MEDULLA_PINS) {
      let flows = try counts.counted(of: pin)
      #expect(flows.held == 0 && flows.taken == 0, "pin \(pin)")
    }
  }

  @Test("a flow that somebody else has ended stays until they take it out of the table")
  func endedElsewhere() throws {
    let bench = try PacketBench(xdp: false)
    func frame(_ flags: UInt8) -> [UInt8] {
      Wire.ethernet(0x0800) + Wire.four(6, bytes: 20) + Wire.tcp(flags: flags)
    }
    _ = try bench.program.run(on: frame(2))
    try bench.setPin(MEDULLA_NO_PIN)
    _ = try bench.program.run(on: frame(17))
    #expect(try bench.flows() == [1, 1] && bench.places() == 1)
  }

  @Test("a flow that was let go is taken over on the active slot, and by nobody while there is none")
  func letGo() throws {
    let bench = try PacketBench(xdp: false)
    let snapshot = try KernelTestHost.network(seed: 2, inputs: 4, outputs: 2).snapshot
    let begin = Wire.ethernet(0x0800) + Wire.four(6, bytes: 20) + Wire.tcp(flags: 2)
    _ = try bench.program.run(on: begin)
    let number = try bench.word().number
    try bench.setPin(MEDULLA_LET_GO)
    let memory = try MappedMap(bench.set.map("medulla_control"))
    let place = MemoryLayout<medulla_control>.place(of: \medulla_control.active)
    for active in [MEDULLA_NO_SLOT, UInt32(MEDULLA_SLOTS)] {
      memory.store32(active, at: place)
      _ = try bench.program.run(on: begin)
      #expect(try bench.word().pin == UInt64(MEDULLA_LET_GO))
    }
    try bench.set.map("medulla_slots").set(words: snapshot.image, at: 1)
    bench.control.describe(1, snapshot.identity, version: 2, now: MonotonicClock.nanoseconds)
    bench.control.active = 1
    _ = try bench.program.run(on: begin)
    let word = try bench.word()
    #expect(word.pin == UInt64(Router.firstPin(of: 1) + 1))
    #expect(word.number == number)
  }

  @Test("without a free place a flow is not kept, so that none is in the table that no sweep would find")
  func noPlace() throws {
    let bench = try PacketBench(xdp: false)
    let places = try bench.set.map(Dispatcher.placesName)
    var taken = medulla_place()
    taken.number = ~0
    for place in 0..<UInt32(places.entryLimit) { try places.set(taken, at: place) }
    let begin = Wire.ethernet(0x0800) + Wire.four(6, bytes: 20) + Wire.tcp(flags: 2)
    #expect(try bench.program.run(on: begin).bytes[11] == PacketBench.stamp, "it is served")
    #expect(try bench.flows() == [0, 0])
  }
}
