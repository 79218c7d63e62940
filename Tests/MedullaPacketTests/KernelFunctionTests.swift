import DatapathCases
import Foundation
import MedullaBase
import MedullaKernel
import MedullaSnapshot
import Testing

@testable import MedullaCompile
@testable import MedullaDatapath
@testable import MedullaPacket

@Suite(
  "custom functions in the kernel", .serialized,
  .enabled(if: KernelTestHost.isUsable, KernelTestHost.reason))
struct KernelFunctionTests {
  /// Four features of a packet in, two outputs; every decision goes up. `top` stands before the includes.
  static func source(top: String = "", inputs: Int = 4, section: String = "tc") -> String {
    """
    // SPDX-License-Identifier: GPL-2.0
    \(top)
    #include "medulla_packet.bpf.h"

    char LICENSE[] SEC("license") = "GPL";

    MEDULLA_FUNCTION(judge, \(inputs), 2);

    SEC("\(section)")
    int judge(\(section.hasPrefix("xdp") ? "struct xdp_md" : "struct __sk_buff") *packet)
    {
      __s64 features[\(inputs)] = {}, outputs[2] = {}, outcomes[2];
      struct medulla_packet seen;
      struct medulla_flow *flow;

      if (medulla_parse((void *)(long)packet->data, (void *)(long)packet->data_end, &seen))
        return \(section.hasPrefix("xdp") ? "XDP_PASS" : "-1");
      flow = medulla_take_flow(&seen);
      if (!flow)
        return \(section.hasPrefix("xdp") ? "XDP_PASS" : "-1");
      features[0] = (__s64)seen.payload << 16;
      features[1] = ++flow->memory[0] << 16;
      features[2] = (__s64)bpf_ntohs(seen.key.destination_port) << 16;
      features[3] = (__s64)seen.key.protocol << 16;
      if (!medulla_decide(flow, &features, &outputs)) {
        outcomes[0] = seen.payload;
        outcomes[1] = seen.ends;
        medulla_sample(flow, &features, &outputs, outcomes, 2);
      }
      medulla_leave_flow(&seen, flow);
      return \(section.hasPrefix("xdp") ? "XDP_PASS" : "-1");
    }
    """
  }

  static func own(_ source: String = KernelFunctionTests.source()) throws -> [FunctionSource] {
    [try FunctionSource(fileName: "judge.bpf.c", text: source)]
  }

  /// Attaches at the loopback of a namespace, and detaches whatever happens.
  func attached(
    _ letter: String, source: String = KernelFunctionTests.source(), hook: String = "tc:lo:egress",
    settings: InstanceSettings = .init(sampleEvery: 1),
    _ body: (InstanceName, SlowLoopback) throws -> Void
  ) throws {
    let loopback = try SlowLoopback()
    let name = try InstanceName(KernelTestHost.name(letter))
    let snapshot = try KernelTestHost.network(
      seed: 1, inputs: 4, outputs: 2, own: Self.own(source)
    ).snapshot
    _ = try loopback.inside {
      try Instance(name.text).attach(
        PacketFunction(hook: FunctionHook(hook)), snapshot, settings: settings)
    }
    defer { try? Instance(name.text).detach() }
    try body(name, loopback)
  }

  func active(_ name: InstanceName) throws -> InstanceStatus.Slot {
    try #require(try Instance(name.text).status().slots.first { $0.state == .active })
  }

  @Test(
    "real packets are judged, kept by flow, and each sample is the reference interpreter's answer",
    arguments: [
      ("tc:lo:egress", "tc"), ("tc:lo:ingress", "tc"), ("xdp:lo", "xdp"), ("xdp:lo", "xdp.frags"),
    ])
  func packets(hook: String, section: String) throws {
    let source = Self.source(section: section)
    try attached("fa", source: source, hook: hook) { name, loopback in
      let reference = ReferenceInterpreter(
        try KernelTestHost.network(seed: 1, inputs: 4, outputs: 2).file.snapshot)
      let samples = try Instance(name.text).samples()
      let flow = try TestFlow(loopback, congestion: "reno")
      flow.startSending()
      #expect(eventually { flow.sent > 1_000_000 })
      // Both directions of the connection.
      #expect(try active(name).flows == 2)
      let all = try samples.drain()
      #expect(all.count > 20)
      #expect(Set(all.map(\.id)).count == all.count && !all.contains { $0.id == 0 })
      for sample in all {
        #expect(reference.run(features: sample.features) == sample.outputs)
        #expect(sample.outcomes.count == 2 && sample.outcomes[0] << 16 == sample.features[0])
      }
      #expect(Set(all.map(\.flow)).subtracting([0]).count == 2)
      flow.end()
      // Ended by FIN or RST, not by idleness.
      #expect(try eventually(within: 5) { try active(name).flows == 0 })
      let status = try Instance(name.text).status()
      #expect(status.function == "packet" && status.hook == hook && status.details.isEmpty)
      #expect(try active(name).inferences > 20)
      #expect(try FunctionList.all.statusOfAll().map(\.name).contains(name.text))
    }
    #expect(!BPFFileSystem.exists(PinnedInstance.path(of: try InstanceName(KernelTestHost.name("fa")))))
  }

  @Test("staged, promoted, rolled back: flows keep their snapshot, new ones take the active one")
  func staging() throws {
    try attached("fb") { name, loopback in
      let old = try TestFlow(loopback, congestion: "reno")
      defer { old.end() }
      let (next, file) = try KernelTestHost.network(seed: 2, inputs: 4, outputs: 2)
      #expect(try Instance(name.text).stage(next) == 2)
      try Instance(name.text).setShadow(every: 1)
      old.startSending()
      #expect(
        try eventually { try Instance(name.text).status().shadow?.inferences ?? 0 > 10 })
      #expect(try #require(Instance(name.text).status().shadow?.maximumDifference) > 0)
      try Instance(name.text).promote()
      #expect(try active(name).version == 2)
      let new = try TestFlow(loopback, congestion: "reno")
      defer { new.end() }
      new.startSending()
      #expect(
        try eventually {
          let slots = try Instance(name.text).status().slots
          return slots.map(\.flows) == [2, 2]
        })
      let features: [[Int64]] = [[5 << 16, 2 << 16, 80 << 16, 6 << 16], [0, 0, 0, 0]]
      let expected = features.map { ReferenceInterpreter(file.snapshot).run(features: $0) }
      #expect(try Instance(name.text).query().run(features) == expected)
      try Instance(name.text).rollback()
      #expect(try active(name).version == 1)
      try Instance(name.text).setConsistency(false)
      #expect(
        try eventually { try Instance(name.text).status().slots.map(\.flows)[1] == 0 })
    }
  }

  @Test("a network of another shape brings its own program, which is of the same source")
  func otherShape() throws {
    try attached("fc") { name, loopback in
      let bare = try KernelTestHost.network(seed: 3, inputs: 4, outputs: 2, hidden: 9).snapshot
      let missing = #expect(throws: DatapathError.self) { try Instance(name.text).update(bare) }
      #expect(missing?.code == .missingProgram && missing?.remedy.contains("--program judge.bpf.c") == true)
      let edited = try KernelTestHost.network(
        seed: 3, inputs: 4, outputs: 2, hidden: 9, own: Self.own(Self.source() + "\n")
      ).snapshot
      let another = #expect(throws: DatapathError.self) { try Instance(name.text).update(edited) }
      #expect(another?.message.contains("another source") == true)
      let (other, file) = try KernelTestHost.network(
        seed: 3, inputs: 4, outputs: 2, hidden: 9, own: Self.own())
      let status = try Instance(name.text).update(other)
      #expect(status.generations.map(\.current) == [false, true])
      #expect(status.sampling == 1 && status.hook == "tc:lo:egress")
      let flow = try TestFlow(loopback, congestion: "reno")
      defer { flow.end() }
      flow.startSending()
      let samples = try Instance(name.text).samples()
      var all: [FunctionSample] = []
      #expect(
        try eventually {
          all += try samples.drain()
          return all.count > 10
        })
      let reference = ReferenceInterpreter(file.snapshot)
      #expect(all.allSatisfy { $0.version == 2 && reference.run(features: $0.features) == $0.outputs })
      try Instance(name.text).rollback()
      #expect(try active(name).version == 1)
      let wrong = try KernelTestHost.network(seed: 3, inputs: 5, outputs: 2).snapshot
      let error = #expect(throws: DatapathError.self) {
        try Instance(name.text).update(wrong)
      }
      #expect(error?.code == .wrongShape)
    }
  }

  @Test("a command that dies between any two actions leaves the function running, and the next goes on")
  func interrupted() throws {
    for hidden in [6, 9] {
      let next = try KernelTestHost.network(
        seed: 2, inputs: 4, outputs: 2, hidden: hidden, own: Self.own()
      ).snapshot
      var survived = 0
      var count = 0
      repeat {
        try attached("fd") { name, loopback in
          do {
            let instance = try Instance(name.text).pinned()
            var router = try instance.router()
            let actions = try router.install(next.identity, now: MonotonicClock.nanoseconds)
            count = actions.count
            try instance.perform(Array(actions.prefix(survived)), snapshot: next)
          }
          let samples = try Instance(name.text).samples()
          try SlowLoopback.run([
            "ip", "netns", "exec", loopback.name, "ping", "-c", "2", "-i", "0.01", "127.0.0.1",
          ])
          #expect(try samples.drain().count >= 4, "\(survived) actions")
          let last = try KernelTestHost.network(
            seed: 4, inputs: 4, outputs: 2, hidden: hidden, own: Self.own()
          ).snapshot
          try Instance(name.text).update(last)
          #expect(try active(name).name == "network-4", "\(survived) actions")
        }
        survived += 1
      } while survived <= count
    }
  }

  @Test(
    "a full table serves flows unpinned and counts it, and idle flows leave it without any process's doing")
  func fullTable() throws {
    let top = "#define MEDULLA_FLOW_LIMIT 4\n#define MEDULLA_FLOW_IDLE_NS 400000000ULL"
    try attached("fe", source: Self.source(top: top)) { name, loopback in
      let samples = try Instance(name.text).samples()
      try Self.begin(flows: 20, loopback)
      let slot = try active(name)
      #expect(slot.flows <= 4 && slot.flows > 0)
      #expect(slot.unpinned >= 16)
      let all = try samples.drain()
      // Unpinned flows are decided too; they have no number.
      #expect(all.filter { $0.flow == 0 && $0.outcomes[0] == 5 }.count >= 16)
      #expect(try eventually(within: 5) { try active(name).flows == 0 })
    }
  }

  @Test("what does not fit is refused with what is wrong: sizes, registration, section, place, syntax")
  func refused() throws {
    let loopback = try SlowLoopback()
    func failure(_ source: String, hook: String = "tc:lo:egress") throws -> (any Error)? {
      let name = KernelTestHost.name("fg")
      do {
        let snapshot = try KernelTestHost.network(
          seed: 1, inputs: 4, outputs: 2, own: Self.own(source)
        ).snapshot
        _ = try loopback.inside {
          try Instance(name).attach(PacketFunction(hook: FunctionHook(hook)), snapshot)
        }
        try Instance(name).detach()
        return nil
      } catch {
        return error
      }
    }
    let sizes = try failure(Self.source(inputs: 5)) as? DatapathError
    #expect(sizes?.code == .wrongShape)
    #expect(sizes?.message.contains("5 inputs and 2 outputs") == true)
    #expect(sizes?.message.contains("has 4 and 2") == true)
    let plain = Self.source().replacing("MEDULLA_FUNCTION(judge, 4, 2);", with: "")
    #expect((try failure(plain) as? DatapathError)?.message.contains("registers no function") == true)
    let misnamed = Self.source().replacing("MEDULLA_FUNCTION(judge", with: "MEDULLA_FUNCTION(judges")
    #expect((try failure(misnamed) as? DatapathError)?.message.contains("no such program") == true)
    #expect((try failure(Self.source(), hook: "xdp:lo") as? DatapathError)?.remedy.contains("xdp") == true)
    #expect((try failure(Self.source(), hook: "tc:eth99:egress") as? DatapathError)?.code == .badFunction)
    let broken = Self.source().replacing("return -1;", with: "return -1")
    #expect((try failure(broken) as? KernelError)?.code == .compilation)
    let wild = Self.source().replacing(
      "features[3] =", with: "features[3] = *(volatile int *)(long)packet->mark; features[3] =")
    let refusal = try failure(wild)
    #expect((refusal as? KernelError)?.code == .verifier, "\(String(describing: refusal))")
    #expect(!BPFFileSystem.exists(PinnedInstance.path(of: try InstanceName(KernelTestHost.name("fg")))))
  }
}
