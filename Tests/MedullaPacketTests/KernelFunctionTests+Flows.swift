import DatapathCases
import Foundation
import MedullaKernel
import MedullaSnapshot
import Testing

@testable import MedullaCompile
@testable import MedullaDatapath

/// What is remembered of flows, and for those that are not kept.
extension KernelFunctionTests {
  /// Sends one datagram from each of so many sockets: each has a port of its own, and so is a flow.
  static func begin(flows: Int, _ loopback: SlowLoopback) throws {
    try loopback.inside {
      for _ in 0..<flows {
        let descriptor = socket(AF_INET, Int32(SOCK_DGRAM.rawValue), 0)
        defer { close(descriptor) }
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = UInt16(9).bigEndian
        address.sin_addr.s_addr = inet_addr(SlowLoopback.address)
        _ = withUnsafePointer(to: &address) { pointer in
          pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
            sendto(descriptor, "hello", 5, 0, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
          }
        }
      }
    }
  }

  @Test(
    "every second decision is sampled and shadowed, the same ones, and the sample has the shadow's outputs")
  func shadowOutputs() throws {
    try attached("fh", settings: .init()) { name, loopback in
      let (next, file) = try KernelTestHost.network(seed: 2, inputs: 4, outputs: 2)
      try Instance(name.text).stage(next)
      try Instance(name.text).setShadow(every: 2)
      try Instance(name.text).setSampling(every: 2)
      let samples = try Instance(name.text).samples()
      let flow = try TestFlow(loopback, congestion: "reno")
      defer { flow.end() }
      flow.startSending()
      #expect(eventually { flow.sent > 1_000_000 })
      let all = try samples.drain()
      #expect(all.count > 20)
      let reference = ReferenceInterpreter(file.snapshot)
      for sample in all {
        #expect(sample.shadowOutputs == reference.run(features: sample.features))
        #expect(sample.shadowOutputs != sample.outputs)
      }
      // Without a shadow there is nothing to report of one.
      try Instance(name.text).setShadow(every: nil)
      _ = try samples.drain()
      let isGone = try eventually { try samples.drain().last.map { $0.shadowOutputs == nil } ?? false }
      #expect(isGone)
    }
  }

  @Test("flows that are not kept are sampled and shadowed as often as is set, together")
  func unkeptFlows() throws {
    let top = "#define MEDULLA_FLOW_LIMIT 1"
    try attached("fi", source: Self.source(top: top), settings: .init()) { name, loopback in
      try Self.begin(flows: 1, loopback)
      let (next, file) = try KernelTestHost.network(seed: 2, inputs: 4, outputs: 2)
      try Instance(name.text).stage(next)
      try Instance(name.text).setShadow(every: 4)
      try Instance(name.text).setSampling(every: 4)
      let samples = try Instance(name.text).samples()
      let before = try active(name).inferences
      try Self.begin(flows: 400, loopback)
      let decisions = Int(try active(name).inferences - before)
      let all = try samples.drain()
      #expect(decisions >= 400)
      // Each processor counts for itself, so that each may be off by one.
      let processors = ProcessInfo.processInfo.processorCount
      #expect(abs(all.count - decisions / 4) <= processors, "\(all.count) of \(decisions)")
      #expect(all.contains { $0.flow == 0 })
      let reference = ReferenceInterpreter(file.snapshot)
      #expect(all.allSatisfy { $0.shadowOutputs == reference.run(features: $0.features) })
      let shadowed = Int(try #require(Instance(name.text).status().shadow).inferences)
      #expect(shadowed == all.count)
    }
  }

  /// Decides on a flow's first packet, and sends that decision up on the next.
  private static let late = """
    #define MEDULLA_FLOW_IDLE_NS 8000000000ULL
    #include "medulla_packet.bpf.h"

    char LICENSE[] SEC("license") = "GPL";

    MEDULLA_FUNCTION(late, 4, 2);

    SEC("tc")
    int late(struct __sk_buff *packet)
    {
      __s64 features[4] = {1 << 16, 2 << 16, 3 << 16, 4 << 16}, outputs[2] = {}, outcome = 7;
      struct medulla_packet seen;
      struct medulla_flow *flow;

      if (medulla_parse((void *)(long)packet->data, (void *)(long)packet->data_end, &seen))
        return -1;
      if (seen.key.protocol != IPPROTO_UDP)
        return -1;
      flow = medulla_take_flow(&seen);
      if (!flow)
        return -1;
      if (!flow->memory[0] && !medulla_decide(flow, &features, &outputs)) {
        flow->memory[0] = 1;
        flow->memory[1] = outputs[0];
        flow->memory[2] = outputs[1];
      } else if (flow->memory[0]) {
        outputs[0] = flow->memory[1];
        outputs[1] = flow->memory[2];
        medulla_sample(flow, &features, &outputs, &outcome, 1);
      }
      medulla_leave_flow(&seen, flow);
      return -1;
    }
    """

  @Test("a sample has the version that decided, also when its flow has moved to another snapshot since")
  func versionOfDecision() throws {
    try attached("fl", source: Self.late) { name, loopback in
      let samples = try Instance(name.text).samples()
      let flow = try DatagramFlow(loopback)
      flow.send()
      let (next, _) = try KernelTestHost.network(seed: 2, inputs: 4, outputs: 2)
      try Instance(name.text).update(next)
      try Instance(name.text).setConsistency(false)
      // The sweep moves it, each quarter of the idle time, before it sends again.
      #expect(try eventually(within: 6) { try active(name).flows == 1 })
      flow.send()
      let sample = try #require(samples.drain().first)
      let first = try KernelTestHost.network(seed: 1, inputs: 4, outputs: 2).file.snapshot
      #expect(sample.version == 1)
      #expect(sample.outputs == ReferenceInterpreter(first).run(features: sample.features))
    }
  }

  @Test(
    "a sweep that cannot be started is started by the next flow",
    arguments: ["init", "set_callback", "start"])
  func sweepAgain(failing: String) throws {
    let parameters = failing == "set_callback" ? "timer, value" : "timer, value, flags"
    let top = """
      #define MEDULLA_FLOW_IDLE_NS 400000000ULL
      #include "kernel_types.h"
      static __u32 attempts;
      #define bpf_timer_\(failing)(\(parameters)) \\
        (__sync_fetch_and_add(&attempts, 1) ? bpf_timer_\(failing)(\(parameters)) : -22)
      """
    try attached("fj", source: Self.source(top: top)) { name, loopback in
      // The first packet's attempt fails; the next flow's, or the first one's answer, does not.
      try Self.begin(flows: 2, loopback)
      let areSwept = try eventually(within: 5) { try active(name).flows == 0 }
      #expect(areSwept)
    }
  }

  @Test("flows that are on a slot's count and nowhere else hold it only until a sweep recounts")
  func recounted() throws {
    try attached("fw") { name, loopback in
      try Self.begin(flows: 3, loopback)
      let kept = try active(name).flows
      try Instance(name.text).pinned().shared().addCounted(3, on: Router.firstPin(of: 1))
      #expect(try active(name).flows == kept + 3)
      try Instance(name.text).update(KernelTestHost.network(seed: 2, inputs: 4, outputs: 2).snapshot)
      let isRight = try eventually(within: 5) {
        try Instance(name.text).sweep().slots.first { $0.index == 0 }?.flows == kept
      }
      #expect(isRight && kept > 0)
    }
  }

  @Test("a question waits only so long for another that holds the query, and says so")
  func busyQuery() throws {
    try attached("fk") { name, _ in
      let query = try Instance(name.text).query()
      let lock = try DirectoryLock(PinnedInstance.generationPath(of: name, 1))
      #expect(lock != nil)
      let begin = ContinuousClock.now
      let error = #expect(throws: DatapathError.self) { try query.run([[0, 0, 0, 0]]) }
      #expect(error?.code == .busy)
      #expect(ContinuousClock.now - begin >= LiveQuery.patience)
      withExtendedLifetime(lock) {}
    }
    try attached("fk") { name, _ in
      let answers = try Instance(name.text).query().run([[0, 0, 0, 0]])
      #expect(answers.count == 1)
    }
  }
}
