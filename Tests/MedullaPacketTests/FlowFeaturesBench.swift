import CMedullaABI
import DatapathCases
import MedullaBase
import MedullaFlows
import MedullaKernel

@testable import MedullaDatapath
@testable import MedullaPacket

/// A program that measures flows at tc or XDP and says all features after each packet, by test run.
struct FlowFeaturesBench {
  private let set: ProgramSet
  private let program: BPFProgram
  let isXDP: Bool

  /// The time comes from a map.
  private static let beginning = """
    #include "kernel_types.h"

    struct {
      __uint(type, BPF_MAP_TYPE_ARRAY);
      __uint(max_entries, 1);
      __type(key, __u32);
      __type(value, __u64);
    } clock SEC(".maps");

    static __always_inline __u64 test_now(void)
    {
      __u32 zero = 0;
      __u64 *now = bpf_map_lookup_elem(&clock, &zero);

      return now ? *now : 0;
    }

    #define MEDULLA_NOW() test_now()
    #define MEDULLA_FLOW_LINGER_NS 600000000000ULL
    #include "flow_features.bpf.h"

    char LICENSE[] SEC("license") = "GPL";

    """

  private static func source(xdp: Bool) -> String {
    beginning + """
      MEDULLA_FUNCTION(measure, 4, 2);

      struct features {
        __u64 words[FLOW_FEATURE_COUNT];
      };

      struct {
        __uint(type, BPF_MAP_TYPE_ARRAY);
        __uint(max_entries, 1);
        __type(key, __u32);
        __type(value, struct features);
      } features SEC(".maps");

      SEC("\(xdp ? "xdp" : "tc")")
      int measure(struct \(xdp ? "xdp_md" : "__sk_buff") *frame)
      {
        __u32 zero = 0;
        struct features *said = bpf_map_lookup_elem(&features, &zero);
        struct medulla_packet packet;
        struct flow_packet seen;
        struct medulla_flow *flow;
        const struct flow_state *f;
        __u64 *next;

        if (!said || medulla_see_\(xdp ? "xdp" : "tc")(frame, &packet, &seen))
          return 1;
        flow = medulla_measure_\(xdp ? "xdp" : "tc")(frame, &packet, &seen);
        if (!flow)
          return 2;
        f = medulla_measured(flow);
        if (!f)
          return 2;
        next = said->words;
      #define SAY(name, unit, formula, source, value) *next++ = (value);
        FLOW_FEATURES(SAY)
        return 3;
      }
      """
  }

  /// Loaded as an instance is, and attached to nothing.
  init(xdp: Bool) throws {
    isXDP = xdp
    let source = try FunctionSource(fileName: "measure.bpf.c", text: Self.source(xdp: xdp))
    let snapshot = try KernelTestHost.network(seed: 1, inputs: 4, outputs: 2, own: [source]).snapshot
    let function = PacketFunction(hook: try FunctionHook(xdp ? "xdp:lo" : "tc:lo:ingress"))
    set = try function.load(
      snapshot, for: InstanceName(KernelTestHost.name("fx")),
      shared: .new(sampleBytes: SampleBuffer.defaultBytes))
    let control = try ControlBlock(set.map("medulla_control"))
    control.fill(snapshot, generation: 1)
    try set.map("medulla_slots").set(words: snapshot.image, at: 0)
    control.describe(0, snapshot.identity, version: 1, now: MonotonicClock.nanoseconds)
    control.active = 0
    program = try set.program("measure")
  }

  /// The features of the frame's flow after it; nil: it is of none.
  func features(after frame: [UInt8], at nanoseconds: UInt64, segment: Int = 0) throws -> [UInt64]? {
    try set.map("clock").set(words: [Int64(bitPattern: nanoseconds)], at: 0)
    guard try program.run(on: frame, segment: segment).verdict == 3 else { return nil }
    return try set.map("features").bytes(at: 0).withUnsafeBytes { Array($0.bindMemory(to: UInt64.self)) }
  }
}
