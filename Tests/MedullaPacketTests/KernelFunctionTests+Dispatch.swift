import DatapathCases
import Foundation
import MedullaCompile
import MedullaKernel
import MedullaPacket
import MedullaSnapshot
import Testing

@testable import MedullaDatapath

/// Flows stay with their program set when a network of another shape comes.
extension KernelFunctionTests {
  /// Which version decided for the datagrams of a flow, and which of the flow's each was: `judge` counts in
  /// the flow's memory.
  private struct Decisions {
    var all: [FunctionSample] = []

    private static let datagrams: Int64 = 17 << 16

    mutating func take(from samples: FunctionSamples) throws { all += try samples.drain() }

    func of(_ flow: UInt64) -> [[UInt64]] {
      all.filter { $0.flow == flow && $0.features[3] == Self.datagrams }.map {
        [$0.version, UInt64($0.features[1] >> 16)]
      }
    }

    /// The flow of the datagrams of `bytes` bytes.
    func flow(bytes: Int64) throws -> UInt64 {
      try #require(all.first { $0.features[3] == Self.datagrams && $0.outcomes[0] == bytes }).flow
    }
  }

  /// Of another shape, for the function that is attached.
  private static func other(
    _ seed: UInt64 = 3, hidden: Int = 9, of source: String = KernelFunctionTests.source()
  ) throws -> (snapshot: DatapathSnapshot, file: SnapshotFile) {
    try KernelTestHost.network(seed: seed, inputs: 4, outputs: 2, hidden: hidden, own: own(source))
  }

  private func flows(_ name: InstanceName) throws -> [Int: UInt64] {
    Dictionary(
      uniqueKeysWithValues: try Instance(name.text).status().generations.map { ($0.number, $0.flows) })
  }

  private func dispatcher(_ name: InstanceName) throws -> Dispatcher {
    let instance = try Instance(name.text).pinned()
    return try #require(try instance.dispatcher())
  }

  private func route(_ name: InstanceName) throws -> Dispatcher.Route {
    try dispatcher(name).route
  }

  @Test(
    "a network of another shape is for new flows; old ones keep their program and their memory",
    arguments: ["tc:lo:egress", "tc:lo:ingress", "xdp:lo"])
  func oldFlowsStay(hook: String) throws {
    let source = Self.source(section: hook.hasPrefix("xdp") ? "xdp" : "tc")
    try attached("fm", source: source, hook: hook) { name, loopback in
      let samples = try Instance(name.text).samples()
      // Compiled before there are flows, which would else be idle for as long.
      let (next, file) = try Self.other(of: source)
      var decisions = Decisions()
      let old = try DatagramFlow(loopback)
      for _ in 0..<3 { old.send("old") }
      let stream = try TestFlow(loopback, congestion: "reno")
      defer { stream.end() }
      stream.startSending()
      #expect(eventually { stream.sent > 100_000 })
      #expect(try route(name).isAlone)
      try decisions.take(from: samples)
      let first = try decisions.flow(bytes: 3)
      let streams = Set(decisions.all.filter { $0.features[3] == 6 << 16 }.map(\.flow))
      #expect(streams.count == 2)

      try Instance(name.text).update(next)
      #expect(try route(name) == Dispatcher.Route(current: 2, follows: false, isAlone: false))
      try decisions.take(from: samples)
      decisions.all = []
      let new = try DatagramFlow(loopback)
      for _ in 0..<2 {
        old.send("old")
        new.send("newer")
      }
      let sent = stream.sent
      #expect(eventually { stream.sent > sent + 100_000 })
      try decisions.take(from: samples)
      #expect(decisions.of(first) == [[1, 4], [1, 5]])
      #expect(try decisions.of(decisions.flow(bytes: 5)) == [[2, 1], [2, 2]])
      #expect(decisions.all.contains { streams.contains($0.flow) && $0.version == 1 })
      #expect(decisions.all.allSatisfy { !streams.contains($0.flow) || $0.version == 1 })
      let before = try KernelTestHost.network(seed: 1, inputs: 4, outputs: 2).file.snapshot
      let references = [1: ReferenceInterpreter(before), 2: ReferenceInterpreter(file.snapshot)]
      for sample in decisions.all {
        #expect(references[Int(sample.version)]?.run(features: sample.features) == sample.outputs)
      }
      #expect(try flows(name)[1] ?? 0 >= 3)
      let pinned = try Instance(name.text).pinned()
      let facts = try pinned.entry(pinned.current()).facts()
      #expect((1...2_500).contains(facts.verifiedInstructions))
      #expect(try Instance(name.text).status().orphaned == 0)
    }
  }

  @Test("a program set goes when its last flow has ended and it is not the way back")
  func emptyProgramSet() throws {
    let top = "#define MEDULLA_FLOW_IDLE_NS 400000000ULL"
    try attached("fn", source: Self.source(top: top)) { name, loopback in
      let stream = try TestFlow(loopback, congestion: "reno")
      stream.startSending()
      #expect(eventually { stream.sent > 100_000 })
      try Instance(name.text).update(Self.other(of: Self.source(top: top)).snapshot)
      try Instance(name.text).update(Self.other(4, hidden: 7, of: Self.source(top: top)).snapshot)
      let (first, second) = (try flows(name)[1], try flows(name)[2])
      #expect(first == 2 && second == 0)
      try Instance(name.text).sweep()
      #expect(try flows(name).keys.sorted() == [1, 2, 3])
      stream.end()
      #expect(try eventually(within: 5) { try flows(name)[1] == 0 })
      #expect(
        try eventually(within: 5) {
          try Instance(name.text).sweep()
          return try flows(name).keys.sorted() == [2, 3] && route(name).isAlone
        })
      #expect(!BPFFileSystem.exists(PinnedInstance.generationPath(of: name, 1)))
    }
  }

  @Test("past the drain limit a flow moves with its memory, one packet after its program set let it go")
  func drainedAcrossShapes() throws {
    try attached("fo", settings: .init(drainLimit: .seconds(4), sampleEvery: 1)) { name, loopback in
      let samples = try Instance(name.text).samples()
      let flow = try DatagramFlow(loopback)
      flow.send()
      try Instance(name.text).update(Self.other().snapshot)
      flow.send()
      usleep(4_100_000)
      for _ in 0..<3 { flow.send() }
      var decisions = Decisions()
      try decisions.take(from: samples)
      let own = try decisions.of(decisions.flow(bytes: 5))
      #expect(own == [[1, 1], [1, 2], [1, 3], [2, 4], [2, 5]])
      let slots = try Instance(name.text).status().slots
      #expect(slots[0].flowsMoved >= 1 && slots[0].generation == 1)
    }
  }

  @Test("an idle flow leaves its program set too when the drain limit has passed, and keeps its memory")
  func idleFlowMoves() throws {
    let top = "#define MEDULLA_FLOW_IDLE_NS 6000000000ULL"
    try attached(
      "fp", source: Self.source(top: top), settings: .init(drainLimit: .seconds(1), sampleEvery: 1)
    ) { name, loopback in
      let samples = try Instance(name.text).samples()
      // Compiled before there is a flow, which would else be idle for as long.
      let other = try Self.other(of: Self.source(top: top)).snapshot
      let flow = try DatagramFlow(loopback)
      flow.send()
      try Instance(name.text).update(other)
      // Many, so that some are in each part that a sweep goes over.
      let others = try (0..<60).map { _ in try DatagramFlow(loopback) }
      for other in others { other.send("newer") }
      // By the sweep, each quarter of the idle time, while nobody sends.
      #expect(try eventually(within: 5) { try flows(name)[1] == 0 })
      let slots = try Instance(name.text).status().slots
      #expect(slots.map(\.generation) == [1, 2] && slots[1].flowsMoved == 0, "of the other set none")
      flow.send()
      var decisions = Decisions()
      try decisions.take(from: samples)
      #expect(try decisions.of(decisions.flow(bytes: 5)) == [[1, 1], [2, 2]])
    }
  }

  @Test("without flow consistency every packet goes to the current program set")
  func inconsistentAcrossShapes() throws {
    try attached("fq", settings: .init(sampleEvery: 1, isConsistent: false)) { name, loopback in
      let samples = try Instance(name.text).samples()
      let flow = try DatagramFlow(loopback)
      flow.send()
      try Instance(name.text).update(Self.other().snapshot)
      #expect(try route(name).follows)
      flow.send()
      try Instance(name.text).setConsistency(true)
      #expect(try !route(name).follows)
      try Instance(name.text).rollback()
      flow.send()
      try Instance(name.text).setConsistency(false)
      flow.send()
      var decisions = Decisions()
      try decisions.take(from: samples)
      #expect(try decisions.of(decisions.flow(bytes: 5)) == [[1, 1], [2, 2], [2, 3], [1, 4]])
      #expect(try flows(name)[2] == 0)
    }
  }

  @Test("a flow whose program is missing goes to the current program set, and is counted")
  func missingProgram() throws {
    try attached("fr") { name, loopback in
      let samples = try Instance(name.text).samples()
      let flow = try DatagramFlow(loopback)
      flow.send()
      try Instance(name.text).update(Self.other().snapshot)
      try dispatcher(name).remove(1)
      for _ in 0..<2 { flow.send() }
      var decisions = Decisions()
      try decisions.take(from: samples)
      #expect(try decisions.of(decisions.flow(bytes: 5)) == [[1, 1], [2, 2], [2, 3]])
      #expect(try Instance(name.text).status().orphaned >= 1)
    }
  }

  @Test("after a rollback across shapes new flows take the old program set, and those of the other stay")
  func rolledBack() throws {
    try attached("fs") { name, loopback in
      let samples = try Instance(name.text).samples()
      let first = try DatagramFlow(loopback)
      first.send("one")
      try Instance(name.text).update(Self.other().snapshot)
      let second = try DatagramFlow(loopback)
      second.send("second")
      try Instance(name.text).rollback()
      #expect(try route(name).current == 1)
      let third = try DatagramFlow(loopback)
      third.send("the third")
      first.send("one")
      second.send("second")
      var decisions = Decisions()
      try decisions.take(from: samples)
      #expect(try decisions.of(decisions.flow(bytes: 3)) == [[1, 1], [1, 2]])
      #expect(try decisions.of(decisions.flow(bytes: 6)) == [[2, 1], [2, 2]])
      #expect(try decisions.of(decisions.flow(bytes: 9)) == [[1, 1]])
    }
  }

  @Test("a table that old flows fill serves new flows unpinned by the current program set")
  func fullOfOldFlows() throws {
    let top = "#define MEDULLA_FLOW_LIMIT 4"
    try attached("ft", source: Self.source(top: top)) { name, loopback in
      let samples = try Instance(name.text).samples()
      // Datagrams to the discard port come back as ICMP errors, of which one flow is kept.
      let old = try (0..<6).map { _ in try DatagramFlow(loopback) }
      for flow in old { flow.send("old") }
      let held = try #require(try flows(name)[1])
      #expect(held > 0 && held <= 4)
      try Instance(name.text).update(Self.other(of: Self.source(top: top)).snapshot)
      let new = try DatagramFlow(loopback)
      new.send("newer")
      for flow in old { flow.send("old") }
      var decisions = Decisions()
      try decisions.take(from: samples)
      #expect(try decisions.flow(bytes: 5) == 0)
      #expect(decisions.all.filter { $0.outcomes[0] == 5 }.allSatisfy { $0.version == 2 })
      #expect(decisions.all.contains { $0.flow > 0 && $0.version == 1 })
      #expect(try flows(name) == [1: held, 2: 0])
      #expect(try active(name).unpinned > 0)
    }
  }

  @Test("whatever moves flows while packets come on several processors, no count of theirs is left over")
  func countsComeBack() throws {
    let top = "#define MEDULLA_FLOW_IDLE_NS 400000000ULL"
    try attached("fv", source: Self.source(top: top)) { name, loopback in
      let flows = try (0..<24).map { _ in try DatagramFlow(loopback) }
      let isDone = Locked(false)
      let group = DispatchGroup()
      for part in 0..<3 {
        group.enter()
        Thread {
          while !isDone.value {
            // Some rest long enough to be swept, and begin anew.
            for index in flows.indices where index % 3 == part { flows[index].send() }
            usleep(UInt32(1_000 + part * 250_000))
          }
          group.leave()
        }.start()
      }
      for step in 0..<6 {
        try Instance(name.text).update(
          Self.other(UInt64(step), hidden: 7 + step % 2, of: Self.source(top: top)).snapshot)
        try Instance(name.text).setConsistency(step % 3 != 1)
        usleep(300_000)
      }
      isDone.value = true
      group.wait()
      let shared = try Instance(name.text).pinned().shared()
      #expect(try shared.flows(of: Router.firstPin(of: 1)).taken > 0)
      #expect(try eventually(within: 10) { try shared.heldRows().isEmpty })
    }
  }

  @Test("a function that keeps no flows goes over to another shape at once")
  func noTable() throws {
    let source = """
      #include "medulla.bpf.h"

      char LICENSE[] SEC("license") = "GPL";

      MEDULLA_FUNCTION(plain, 4, 2);

      struct {
        __uint(type, BPF_MAP_TYPE_ARRAY);
        __uint(max_entries, 1);
        __type(key, __u32);
        __type(value, __u64);
      } answers SEC(".maps");

      SEC("tc")
      int plain(struct __sk_buff *packet)
      {
        __s64 features[4] = {1 << 16}, outputs[2] = {};
        __u32 zero = 0;
        __u64 *answer = bpf_map_lookup_elem(&answers, &zero);

        if (answer && !medulla_query(&features, &outputs))
          *answer = outputs[0];
        return -1;
      }
      """
    try attached("fu", source: source) { name, loopback in
      let flow = try DatagramFlow(loopback)
      let (next, file) = try Self.other(of: source)
      let features: [Int64] = [1 << 16, 0, 0, 0]
      func answer(_ generation: Int) throws -> Int64 {
        let path = PinnedInstance.generationPath(of: name, generation)
        return try BPFMap(pinned: path + "/answers").value(at: 0, as: Int64.self)
      }
      flow.send()
      let before = try KernelTestHost.network(seed: 1, inputs: 4, outputs: 2).file.snapshot
      #expect(try answer(1) == ReferenceInterpreter(before).run(features: features)[0])
      try Instance(name.text).update(next)
      flow.send()
      #expect(try answer(2) == ReferenceInterpreter(file.snapshot).run(features: features)[0])
    }
  }
}

/// A value that several threads read and write.
private final class Locked<Value: Sendable>: @unchecked Sendable {
  private let lock = NSLock()
  private var stored: Value

  init(_ value: Value) { stored = value }

  var value: Value {
    get { lock.withLock { stored } }
    set { lock.withLock { stored = newValue } }
  }
}
