import MedullaDatapath
import MedullaKernel

/// A function that only this test target knows: what leaves an interface is judged, what enters is tallied.
///
/// Two hooks, two kernel objects that share maps, a table of flows of its own, and a drain.
struct ToyFunction: DatapathFunction {
  static let name = "toy"
  static let sizes = NetworkSizes(inputs: 2, outputs: 1)
  static let judge = ProgramSource(
    name: "toy_judge", sizes: sizes, files: ["toy.h": shared, "toy_judge.bpf.c": judging])
  static let tally = ProgramSource(
    name: "toy_tally", sizes: sizes, files: ["toy.h": shared, "toy_tally.bpf.c": tallying])
  static let programs = [judge, tally]
  static let instanceMaps = ["toy_totals"]
  static let outcomes = [OutcomeField("bytes", unit: "bytes")]
  static let counters = [FunctionCounter("small", index: 1, column: "small")]
  static let keys = [
    FunctionKey("device", .text, isRequired: true, example: "lo"),
    FunctionKey("small", .number(0...1_500), example: "100"),
  ]

  let device: String
  /// Datagrams below it are counted as small.
  let small: UInt32

  init(device: String = "lo", small: UInt32 = 100) {
    self.device = device
    self.small = small
  }

  init(values: [String: FunctionValue]) throws {
    self.init(device: values["device"]?.text ?? "lo", small: UInt32(values["small"]?.number ?? 100))
  }

  var record: [UInt8] { Array("\(device) \(small)".utf8) }

  init(record: [UInt8]) throws {
    let parts = String(decoding: record, as: UTF8.self).split(separator: " ")
    guard parts.count == 2, let small = UInt32(parts[1]) else {
      throw DatapathError(.foreignVersion, "no toy")
    }
    self.init(device: String(parts[0]), small: small)
  }

  func hooks(of name: InstanceName) -> [Hook] {
    [
      Hook(.interface(device, .egress, program: nil)),
      Hook(.interface(device, .ingress, program: "toy_tally"), pin: "link_tally"),
    ]
  }

  func load(
    _ snapshot: DatapathSnapshot, for name: InstanceName, shared: SharedMaps.Origin
  ) throws -> ProgramSet {
    let objects = try Self.programs.map { try BPFObject(bytes: snapshot.object(of: $0), name: $0.name) }
    let set = try ProgramSet(loading: objects, main: "toy_judge", snapshot: snapshot, shared: shared)
    try set.map("toy_settings").set(small, at: 0)
    return set
  }

  func drain(_ generation: PinnedGeneration) throws {
    try generation.program("toy_drain").testRun()
  }

  /// Datagrams that the two objects have seen, out and in.
  static func totals(_ instance: PinnedInstance) throws -> [UInt64] {
    let map = try instance.shared().map("toy_totals")
    return try [0, 1].map { try map.value(at: $0, as: UInt64.self) }
  }

  private static let shared = """
    /* SPDX-License-Identifier: GPL-2.0 */
    struct {
      __uint(type, BPF_MAP_TYPE_ARRAY);
      __uint(max_entries, 2);
      __type(key, __u32);
      __type(value, __u64);
    } toy_totals SEC(".maps");

    static __always_inline int toy_count(struct __sk_buff *packet, __u32 direction)
    {
      __u64 *total = bpf_map_lookup_elem(&toy_totals, &direction);

      if (total && packet->protocol == bpf_htons(0x0800))
        __sync_fetch_and_add(total, 1);
      return -1;
    }
    """

  private static let judging = """
    // SPDX-License-Identifier: GPL-2.0
    #include "medulla.bpf.h"
    #include <bpf/bpf_endian.h>
    #include <linux/if_ether.h>
    #include <linux/in.h>
    #include <linux/ip.h>
    #include <linux/udp.h>
    #include "toy.h"

    char LICENSE[] SEC("license") = "GPL";

    struct toy_flow {
      __u64 number;
      __u64 decisions;
      __u64 pin;
    };

    struct {
      __uint(type, BPF_MAP_TYPE_HASH);
      __uint(max_entries, 64);
      __type(key, __u32);
      __type(value, struct toy_flow);
    } toy_flows SEC(".maps");

    struct {
      __uint(type, BPF_MAP_TYPE_ARRAY);
      __uint(max_entries, 1);
      __type(key, __u32);
      __type(value, __u32);
    } toy_settings SEC(".maps");

    SEC("tc")
    int toy_judge(struct __sk_buff *packet)
    {
      void *end = (void *)(long)packet->data_end;
      struct iphdr *ip = (void *)(long)packet->data + sizeof(struct ethhdr);
      struct udphdr *udp = (void *)(ip + 1);
      const struct medulla_control *control = medulla_get_control();
      struct medulla_asking asking;
      struct medulla_decision decision;
      struct medulla_outputs outputs;
      struct medulla_sample *sample;
      struct toy_flow fresh = {}, *flow;
      __u32 port, bytes, zero = 0, *small = bpf_map_lookup_elem(&toy_settings, &zero);

      toy_count(packet, 0);
      if ((void *)(udp + 1) > end || ip->protocol != IPPROTO_UDP || !control || !small)
        return -1;
      port = bpf_ntohs(udp->source);
      bytes = bpf_ntohs(udp->len);
      flow = bpf_map_lookup_elem(&toy_flows, &port);
      if (!flow) {
        fresh.number = medulla_new_flow();
        fresh.pin = medulla_take_pin();
        bpf_map_update_elem(&toy_flows, &port, &fresh, BPF_NOEXIST);
        flow = bpf_map_lookup_elem(&toy_flows, &port);
      }
      if (!flow || medulla_begin_decision(&asking, control, medulla_own_slot(control, flow->pin)))
        return -1;
      if (bytes < *small)
        asking.counts->function[1]++;
      medulla_features_of(&asking)[0] = (__s64)bytes << 16;
      medulla_features_of(&asking)[1] = 1 << 16;
      medulla_end_decision(&asking, ++flow->decisions, flow->number, &outputs, &decision);
      if (!(decision.flags & MEDULLA_SAMPLE_VALID))
        return -1;
      sample = medulla_reserve_sample(flow->number, decision.slot, decision.version);
      if (!sample)
        return -1;
      sample->features[0] = (__s64)bytes << 16;
      sample->features[1] = 1 << 16;
      sample->outputs[0] = outputs.words[0];
      sample->shadow[0] = 0;
      for (int i = 0; i < MEDULLA_OUTCOMES; i++)
        sample->outcomes[i] = i ? 0 : bytes;
      sample->header.outcomes = 1;
      medulla_send_sample(sample);
      return -1;
    }

    struct bpf_map;

    static long toy_move(struct bpf_map *map, __u32 *port, struct toy_flow *flow, void *context)
    {
      const struct medulla_control *control = medulla_get_control();

      if (flow && control)
        medulla_follow(control, &flow->pin, bpf_ktime_get_ns());
      return 0;
    }

    /* Run by test run: over the flows, whatever the packet. */
    SEC("tc")
    int toy_drain(struct __sk_buff *packet)
    {
      bpf_for_each_map_elem(&toy_flows, toy_move, 0, 0);
      return 0;
    }
    """

  private static let tallying = """
    // SPDX-License-Identifier: GPL-2.0
    #include "kernel_types.h"
    #include <bpf/bpf_endian.h>
    #include "toy.h"

    char LICENSE[] SEC("license") = "GPL";

    SEC("tc")
    int toy_tally(struct __sk_buff *packet)
    {
      return toy_count(packet, 1);
    }
    """
}
