import CMedullaABI
import DatapathCases
import MedullaBase
import MedullaFlows
import MedullaKernel
import MedullaSnapshot

@testable import MedullaClassification
@testable import MedullaDatapath

/// The classifier's own program by test run, with a clock that the test sets.
struct ClassifierBench {
  let set: ProgramSet
  let program: BPFProgram
  private let ring: RingBuffer
  let file: SnapshotFile
  let classifier: Classifier

  static let features = [
    "log2(1+duration)", "packets", "log2(1+bytes_forward)", "log2(1+bytes_backward)", "length_mean",
    "length_deviation", "log2(1+gap_mean)", "log2(1+gap_deviation)", "destination_port", "protocol",
    "log2(1+payload_forward_maximum)", "head_entropy", "down_up_ratio", "syn_flags",
    "log2(1+recent_bytes_1)", "hops_forward",
  ]

  /// A network over those features.
  static func network(
    seed: UInt64 = 1, labels: [String] = ["web", "chat", "game"], hidden: Int = 8
  ) throws -> (snapshot: DatapathSnapshot, file: SnapshotFile) {
    let flows = FlowInterface(features: features.compactMap(InputFeature.init), labels: labels)
    return try KernelTestHost.network(
      seed: seed, inputs: features.count, outputs: labels.count, hidden: hidden, flows: flows, upTo: 40)
  }

  private static let clock = """
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

    """

  /// Loaded as an instance is, and attached to nothing; every decision is sampled.
  init(hook: String, _ settings: ClassifierSettings, labels: [String] = ["web", "chat", "game"]) throws {
    try self.init(hook: hook, settings, network: Self.network(labels: labels))
  }

  /// The same with a network of the caller's.
  init(
    hook: String, _ settings: ClassifierSettings, network: (snapshot: DatapathSnapshot, file: SnapshotFile)
  ) throws {
    let snapshot: DatapathSnapshot
    (snapshot, file) = network
    classifier = try Classifier(at: FunctionHook(hook), settings).prepared(
      for: InstanceName(KernelTestHost.name("cb")), snapshot)
    var sources = ClassifierSources.main
    sources["classifier.bpf.c"] = Self.clock + (sources["classifier.bpf.c"] ?? "")
    let source = ProgramSource(name: "classifier", inputs: .flows, files: sources)
    let bytes = try source.object(header: snapshot.header, compiler: BPFCompiler(for: .running))
    set = try classifier.programSet(
      of: BPFObject(bytes: bytes, name: "classifier"), snapshot,
      shared: .new(sampleBytes: 16 << 20))
    let control = try ControlBlock(set.map("medulla_control"))
    control.fill(snapshot, generation: 1)
    control.sampleEvery = 1
    try set.map("medulla_slots").set(words: snapshot.image, at: 0)
    control.describe(0, snapshot.identity, version: 1, now: MonotonicClock.nanoseconds)
    control.active = 0
    program = try set.program(classifier.program)
    ring = try RingBuffer(set.map(SharedMaps.samplesName))
  }

  /// Runs one frame; the verdict, as tc or XDP has it.
  @discardableResult
  func run(_ frame: [UInt8], at nanoseconds: UInt64) throws -> BPFProgram.PacketRun {
    try set.map("clock").set(words: [Int64(bitPattern: nanoseconds)], at: 0)
    return try program.run(on: frame)
  }

  /// The decisions since the last call.
  func decisions() throws -> [FunctionSample] {
    nonisolated(unsafe) var samples: [FunctionSample] = []
    try ring.consume { record in
      if let sample = SampleRecord.read(record) { samples.append(sample) }
    }
    return samples
  }

  /// What has been counted of a row.
  func counts(_ row: Int) throws -> classifier_counts {
    let all = try set.map(Classifier.Maps.counts).valuesPerProcessor(
      at: UInt32(row), as: classifier_counts.self)
    return all.reduce(into: classifier_counts()) { sum, own in
      sum.flows += own.flows
      sum.packets += own.packets
      sum.bytes += own.bytes
      sum.dropped += own.dropped
      sum.mirrored += own.mirrored
      sum.mirrors_lost += own.mirrors_lost
      sum.answered += own.answered
    }
  }
}
