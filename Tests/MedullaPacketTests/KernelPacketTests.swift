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
  /// What the function does to the frame of a flow that it has decided for.
  private static let stamp: UInt8 = 0x5a

  private static let ethernetHeader = 14
  private static let leastForTC = ethernetHeader + 40

  private struct Bench {
    let set: ProgramSet
    let program: BPFProgram
    let control: ControlBlock
    let isXDP: Bool

    /// What the parser said last; nil: it saw no flow.
    func seen() throws -> PacketFixture.Seen? {
      let bytes = try set.map("seen").bytes(at: 0)
      guard bytes[MemoryLayout<medulla_packet>.size] == 1 else { return nil }
      func word(_ at: Int) -> UInt16 { UInt16(bytes[at]) << 8 | UInt16(bytes[at + 1]) }
      let payload = bytes[40..<44].reversed().reduce(UInt32(0)) { $0 << 8 | UInt32($1) }
      return PacketFixture.Seen(
        version: bytes[37], protocol: bytes[36], sourcePort: word(32), destinationPort: word(34),
        payload: payload, begins: bytes[44] == 1, ends: bytes[45] == 1, resets: bytes[46] == 1)
    }

    /// Places that flows have among those that the sweep goes over.
    func places() throws -> Int {
      try set.map(Dispatcher.placesName).values(beginningWith: UInt64.self).filter { $0 != 0 }.count
    }

    /// Flows in the table, and on the first slot's count.
    func flows() throws -> [UInt64] {
      let words = try set.map(Dispatcher.tableName).values(beginningWith: UInt64.self)
      let counts = try SlotFlowCounts(
        flows: set.map(SharedMaps.flowsName), shared: set.map(SharedMaps.countersName))
      return [UInt64(words.count), try counts.counted(of: Router.firstPin(of: 1)).held]
    }
  }

  private static func source(xdp: Bool) -> String {
    """
    #include "medulla_packet.bpf.h"

    char LICENSE[] SEC("license") = "GPL";

    MEDULLA_FUNCTION(judge, 4, 2);

    struct seen {
      struct medulla_packet packet;
      __u8 is_flow;
      __u8 reserved[3];
    };

    struct {
      __uint(type, BPF_MAP_TYPE_ARRAY);
      __uint(max_entries, 1);
      __type(key, __u32);
      __type(value, struct seen);
    } seen SEC(".maps");

    SEC("\(xdp ? "xdp" : "tc")")
    int judge(struct \(xdp ? "xdp_md" : "__sk_buff") *packet)
    {
      __s64 features[4] = {}, outputs[2] = {};
      __u32 zero = 0;
      struct seen *said = bpf_map_lookup_elem(&seen, &zero);
      struct medulla_packet parsed;
      struct medulla_flow *flow;
      int is_flow = !medulla_parse((void *)(long)packet->data, (void *)(long)packet->data_end, &parsed);
      unsigned char *bytes;

      if (!said)
        return 1;
      said->packet = parsed;
      said->is_flow = is_flow;
      if (!is_flow)
        return 1;
      flow = medulla_take_flow(&parsed);
      if (!flow)
        return 1;
      features[0] = (__s64)parsed.payload << 16;
      if (!medulla_decide(flow, &features, &outputs)) {
        bytes = (void *)(long)packet->data;
        if ((void *)(bytes + 12) <= (void *)(long)packet->data_end)
          bytes[11] = \(stamp);
      }
      medulla_leave_flow(&parsed, flow);
      return 3;
    }
    """
  }

  /// Loaded as an instance is, and attached to nothing.
  private func bench(xdp: Bool) throws -> Bench {
    let source = try FunctionSource(fileName: "judge.bpf.c", text: Self.source(xdp: xdp))
    let snapshot = try KernelTestHost.network(seed: 1, inputs: 4, outputs: 2, own: [source]).snapshot
    let function = PacketFunction(hook: try FunctionHook(xdp ? "xdp:lo" : "tc:lo:ingress"))
    let set = try function.load(
      snapshot, for: InstanceName(KernelTestHost.name("pk")),
      shared: .new(sampleBytes: SampleBuffer.defaultBytes))
    let control = try ControlBlock(set.map("medulla_control"))
    control.fill(snapshot, generation: 1)
    try set.map("medulla_slots").set(words: snapshot.image, at: 0)
    control.describe(0, snapshot.identity, version: 1, now: MonotonicClock.nanoseconds)
    control.active = 0
    return Bench(set: set, program: try set.program("judge"), control: control, isXDP: xdp)
  }

  /// The bytes that must come out.
  private func expected(_ bytes: [UInt8], isFlow: Bool) -> [UInt8] {
    var bytes = bytes
    if isFlow { bytes[11] = Self.stamp }
    return bytes
  }

  @Test(
    "each frame is seen as what it is, at tc and at XDP, and only a flow's is touched",
    arguments: [false, true])
  func fixtures(xdp: Bool) throws {
    let bench = try bench(xdp: xdp)
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
    let bench = try bench(xdp: xdp)
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
    let bench = try bench(xdp: xdp)
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
    let bench = try bench(xdp: false)
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
    let bench = try bench(xdp: false)
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
      #expect(try bench.program.run(on: begin).bytes[11] == Self.stamp)
    }
    #expect(try counts().contended == 0 && counts().decisions == UInt64(MEDULLA_WORKSPACES))
    try mark(0..<UInt32(MEDULLA_WORKSPACES))
    #expect(try bench.program.run(on: begin).bytes == begin, "no decision, and so no stamp")
    #expect(try counts().contended == 1 && counts().decisions == UInt64(MEDULLA_WORKSPACES))
  }

  @Test("each decision's time is taken when that is asked for: a short one, and none otherwise")
  func times() throws {
    let bench = try bench(xdp: false)
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
    let bench = try bench(xdp: false)
    for port in 0..<500 {
      var frame = Wire.ethernet(0x0800) + Wire.four(6, bytes: 20) + Wire.tcp(flags: 2)
      frame.replaceSubrange(34..<36, with: Wire.word(1_000 + port))
      _ = try bench.program.run(on: frame)
    }
    #expect(try bench.flows() == [500, 500])
  }

  @Test("with nothing loaded no flow is kept, and none is on any count")
  func nothingLoaded() throws {
    let bench = try bench(xdp: false)
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
}
