import CLibBPF
import CMedullaABI
import DatapathCases
import MedullaBase
import PacketCases

@testable import MedullaDatapath
@testable import MedullaKernel
@testable import MedullaPacket

/// A function that decides for every packet of a flow, by test run.
struct PacketBench {
  /// What the function does to the frame of a flow that it has decided for.
  static let stamp: UInt8 = 0x5a

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

  /// The number and the pin of the one flow in the table.
  func word() throws -> (number: UInt64, pin: UInt64) {
    let words = try set.map(Dispatcher.tableName).values(beginningWith: UInt64.self)
    let word = words.count == 1 ? words[0] : 0
    return (word >> UInt64(MEDULLA_PIN_BITS), word & (1 << UInt64(MEDULLA_PIN_BITS) - 1))
  }

  /// Gives the one flow in the table another pin, on no count.
  func setPin(_ pin: UInt32) throws {
    let table = try set.map(Dispatcher.tableName)
    var key = [UInt8](repeating: 0, count: table.keySize)
    var value = [UInt8](repeating: 0, count: table.valueSize)
    guard bpf_map_get_next_key(table.descriptor.number, nil, &key) == 0,
      bpf_map_lookup_elem(table.descriptor.number, key, &value) == 0
    else { throw KernelError(.notFound, "the table has no flow") }
    value[0] = UInt8(pin)
    guard bpf_map_update_elem(table.descriptor.number, key, value, UInt64(BPF_EXIST)) == 0 else {
      throw KernelError(.invalid, "the flow cannot be written")
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
  init(xdp: Bool) throws {
    let source = try FunctionSource(fileName: "judge.bpf.c", text: Self.source(xdp: xdp))
    let snapshot = try KernelTestHost.network(seed: 1, inputs: 4, outputs: 2, own: [source]).snapshot
    let function = PacketFunction(hook: try FunctionHook(xdp ? "xdp:lo" : "tc:lo:ingress"))
    set = try function.load(
      snapshot, for: InstanceName(KernelTestHost.name("pk")),
      shared: .new(sampleBytes: SampleBuffer.defaultBytes))
    control = try ControlBlock(set.map("medulla_control"))
    control.fill(snapshot, generation: 1)
    try set.map("medulla_slots").set(words: snapshot.image, at: 0)
    control.describe(0, snapshot.identity, version: 1, now: MonotonicClock.nanoseconds)
    control.active = 0
    program = try set.program("judge")
    isXDP = xdp
  }
}
