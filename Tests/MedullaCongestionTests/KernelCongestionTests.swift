import DatapathCases
import Foundation
import MedullaBase
import MedullaKernel
import MedullaSnapshot
import Testing

@testable import MedullaCompile
@testable import MedullaCongestion
@testable import MedullaDatapath

@Suite(
  "congestion control in the kernel", .serialized,
  .enabled(if: KernelTestHost.isUsable, KernelTestHost.reason))
struct KernelCongestionTests {
  /// Attaches under a name of its own, and detaches whatever happens.
  func attached(
    _ letter: String, seed: UInt64 = 1, settings: InstanceSettings = .init(),
    _ body: (InstanceName) throws -> Void
  ) throws {
    let name = try InstanceName(KernelTestHost.name(letter))
    try Instance(name.text).attach(
      CongestionControl(), KernelTestHost.policy(seed: seed).snapshot, settings: settings)
    defer { try? Instance(name.text).detach() }
    try body(name)
  }

  /// The programs of a snapshot in the kernel, attached to nothing.
  static func loaded(_ snapshot: DatapathSnapshot, _ name: InstanceName) throws -> ProgramSet {
    try CongestionControl().load(
      snapshot, for: name, shared: .new(sampleBytes: SampleBuffer.defaultBytes))
  }

  private func flows(_ name: InstanceName, version: UInt64) throws -> UInt64? {
    try Instance(name.text).status().slots.first { $0.version == version }?.flows
  }

  /// A flow that begins now is counted beside `running` others, is paced, and sends.
  private func expectServed(
    _ loopback: SlowLoopback, _ name: InstanceName, running: UInt64, _ when: String
  ) throws {
    let flow = try TestFlow(loopback, congestion: name.congestion)
    defer { flow.end() }
    flow.startSending()
    #expect(eventually { flow.sent > 100_000 }, "\(when)")
    #expect(try eventually(within: 5) { try flowCount(name) == running + 1 }, "\(when)")
    let active = try Instance(name.text).status().slots.first { $0.state == .active }
    #expect(active?.flows ?? 0 > 0, "\(when)")
    #expect(flow.isPaced, "\(when)")
    flow.end()
    #expect(try eventually { try flowCount(name) == running }, "\(when)")
  }

  private func flowCount(_ name: InstanceName) throws -> UInt64 {
    try Instance(name.text).status().slots.map(\.flows).reduce(0, +)
  }

  @Test("TCP knows an attached instance by its name, and no longer after it is detached")
  func registration() throws {
    try attached("a") { name in
      #expect(TCPSettings.availableCongestionControls.contains(name.congestion))
      let status = try Instance(name.text).status()
      #expect(status.slots.map(\.state) == [.active])
      #expect(status.slots[0].digest == (try KernelTestHost.policy(seed: 1).file.digest))
      #expect(throws: DatapathError.self) {
        try Instance(name.text).attach(CongestionControl(), KernelTestHost.policy(seed: 2).snapshot)
      }
    }
    let name = try InstanceName(KernelTestHost.name("a"))
    #expect(!TCPSettings.availableCongestionControls.contains(name.congestion))
    #expect(!BPFFileSystem.exists(PinnedInstance.path(of: name)))
    #expect(throws: DatapathError.self) { try Instance(name.text).status() }
  }

  @Test(
    "a flow that selects it is counted, inferred for, and its actions are the reference interpreter's bits")
  func inference() throws {
    let loopback = try SlowLoopback()
    try attached("b", settings: InstanceSettings(measures: true)) { name in
      let reference = ReferenceInterpreter(try KernelTestHost.policy(seed: 1).file.snapshot)
      let flow = try TestFlow(loopback, congestion: name.congestion)
      defer { flow.end() }
      #expect(flow.congestion == name.congestion)
      #expect(try flows(name, version: 1) == 1)
      flow.startSending()
      var compared = Set<Int>()
      let enough = try eventually(within: 60, every: 2_000) {
        for live in try Instance(name.text).flows().compactMap({ $0 as? CongestionFlow }) {
          guard let features = live.features else { continue }
          #expect(reference.run(features: features) == [live.action])
          compared.insert(live.decisions)
        }
        return compared.count >= 3
      }
      #expect(enough, "compared \(compared.count) decisions")
      let slot = try #require(try Instance(name.text).status().slots.first)
      #expect(slot.inferences >= UInt64(compared.count))
      #expect(try #require(slot.nanosecondsPerInference) > 0)
      #expect(flow.sent > 100_000)
    }
  }

  @Test("an update takes new flows and leaves running ones on their snapshot; a rollback goes back")
  func update() throws {
    let loopback = try SlowLoopback()
    try attached("c") { name in
      let old = try TestFlow(loopback, congestion: name.congestion)
      defer { old.end() }
      old.startSending()
      try Instance(name.text).update(KernelTestHost.policy(seed: 2).snapshot)
      let new = try TestFlow(loopback, congestion: name.congestion)
      defer { new.end() }
      new.startSending()
      // A flow whose memory was not to be had at once takes its slot on a later ACK.
      #expect(try eventually { try flows(name, version: 2) == 1 })
      #expect(try flows(name, version: 1) == 1)
      let before = old.sent
      #expect(eventually { old.sent > before + 500_000 })
      #expect(try flows(name, version: 1) == 1)
      let back = try Instance(name.text).rollback()
      #expect(back.slots.first { $0.state == .active }?.version == 1)
      let third = try TestFlow(loopback, congestion: name.congestion)
      #expect(try flows(name, version: 1) == 2)
      third.end()
      #expect(try eventually { try flows(name, version: 1) == 1 })
    }
  }

  @Test("a snapshot of another shape brings its own program set, and old flows stay on theirs to their end")
  func otherShape() throws {
    let loopback = try SlowLoopback()
    try attached("d") { name in
      let old = try TestFlow(loopback, congestion: name.congestion)
      defer { old.end() }
      old.startSending()
      let other = try KernelTestHost.policy(seed: 3, hidden: 20).snapshot
      try Instance(name.text).update(other)
      let new = try TestFlow(loopback, congestion: name.congestion)
      defer { new.end() }
      new.startSending()
      var status = try Instance(name.text).status()
      #expect(status.generations.map(\.current) == [false, true])
      #expect(status.generations.map(\.flows) == [1, 1])
      try Instance(name.text).rollback()
      status = try Instance(name.text).rollback()
      #expect(status.generations.map(\.current) == [false, true])
      old.end()
      #expect(try eventually { try Instance(name.text).status().generations[0].flows == 0 })
      // The old set is the way back until another update; then it goes.
      try Instance(name.text).update(KernelTestHost.policy(seed: 4, hidden: 20).snapshot)
      #expect(try eventually { try Instance(name.text).sweep().generations.map(\.number) == [2] })
    }
  }

  @Test("a listener from before an update to another shape gives its new flows to the new program set")
  func oldListener() throws {
    let loopback = try SlowLoopback()
    try attached("n") { name in
      let other = try KernelTestHost.policy(seed: 3, hidden: 20).snapshot
      let flow = try TestFlow(loopback, listenerCongestion: name.congestion) {
        try Instance(name.text).update(other)
      }
      defer { flow.end() }
      #expect(flow.congestion == name.congestion)
      #expect(try Instance(name.text).status().generations.map(\.flows) == [0, 1])
      flow.startSending()
      #expect(eventually { flow.sent > 200_000 })
    }
  }

  @Test("past the drain limit flows leave a replaced snapshot, idle ones too")
  func drain() throws {
    let loopback = try SlowLoopback()
    try attached("e", settings: InstanceSettings(drainLimit: .seconds(1))) { name in
      let idle = try TestFlow(loopback, congestion: name.congestion)
      defer { idle.end() }
      try Instance(name.text).update(KernelTestHost.policy(seed: 2).snapshot)
      #expect(try flows(name, version: 1) == 1)
      usleep(1_200_000)
      let status = try Instance(name.text).sweep()
      #expect(status.slots.first { $0.version == 1 }?.flows == 0)
      #expect(status.slots.first { $0.version == 1 }?.flowsMoved == 1)
      #expect(status.slots.first { $0.version == 2 }?.flows == 1)
    }
  }

  @Test("past the drain limit flows leave a replaced program set on their next ACK")
  func drainOfSet() throws {
    let loopback = try SlowLoopback()
    try attached("f", settings: InstanceSettings(drainLimit: .seconds(1))) { name in
      let flow = try TestFlow(loopback, congestion: name.congestion)
      defer { flow.end() }
      flow.startSending()
      try Instance(name.text).update(KernelTestHost.policy(seed: 2, hidden: 20).snapshot)
      usleep(1_200_000)
      try Instance(name.text).sweep()
      #expect(
        try eventually { try Instance(name.text).status().generations.map(\.flows) == [0, 1] })
      #expect(flow.congestion == name.congestion)
      let before = flow.sent
      let goesOn = eventually { flow.sent > before + 200_000 }
      let live = try Instance(name.text).flows()
      #expect(goesOn, "\(flow.sent - before) bytes more; \(live)")
    }
  }

  @Test("two instances run side by side, each with its own flows")
  func instances() throws {
    let loopback = try SlowLoopback()
    try attached("g") { first in
      try attached("h", seed: 2) { second in
        let one = try TestFlow(loopback, congestion: first.congestion)
        defer { one.end() }
        let other = try TestFlow(loopback, congestion: second.congestion)
        defer { other.end() }
        #expect(try flows(first, version: 1) == 1)
        #expect(try flows(second, version: 1) == 1)
        let names = try FunctionList.all.statusOfAll().map(\.name)
        #expect(names.contains(first.text) && names.contains(second.text))
      }
    }
  }

  @Test("detached in mid-flow, a flow goes on with the default of before and nothing stays pinned")
  func detach() throws {
    let loopback = try SlowLoopback()
    let name = try InstanceName(KernelTestHost.name("i"))
    try Instance(name.text).attach(CongestionControl(), KernelTestHost.policy(seed: 1).snapshot)
    let flow = try TestFlow(loopback, congestion: name.congestion)
    defer { flow.end() }
    flow.startSending()
    #expect(eventually { flow.sent > 200_000 })
    try Instance(name.text).detach()
    #expect(!BPFFileSystem.exists(PinnedInstance.path(of: name)))
    #expect(eventually { flow.congestion == TCPSettings.defaultCongestionControl })
    let before = flow.sent
    #expect(eventually { flow.sent > before + 200_000 })
  }

  @Test("a flow that has found its rate has a threshold of slow start, and keeps it when it is handed on")
  func handedOn() throws {
    let loopback = try SlowLoopback()
    let name = try InstanceName(KernelTestHost.name("w"))
    try Instance(name.text).attach(CongestionControl(), KernelTestHost.policy(seed: 1).snapshot)
    defer { try? Instance(name.text).detach() }
    let flow = try TestFlow(loopback, congestion: name.congestion)
    defer { flow.end() }
    try flow.limit(to: 4_000_000)  // far below the loopback's rate: no loss sets a threshold
    #expect(flow.slowStartThreshold == nil, "before it has found its rate")
    flow.startSending()
    #expect(
      try eventually { try Instance(name.text).status().slots.contains { $0.inferences > 0 } })
    #expect(eventually { flow.slowStartThreshold.map { (2...10_000).contains($0) } == true })
    // As detaching does where Reno was the default before; BBR forgets the threshold.
    for generation in try Instance(name.text).pinned().generations {
      try CongestionControl.handOn(generation, to: "reno")
    }
    #expect(eventually { flow.congestion == "reno" })
    #expect(flow.slowStartThreshold.map { (2...10_000).contains($0) } == true)
  }

  @Test("a command that dies between any two actions leaves a state that the next command goes on from")
  func interrupted() throws {
    let loopback = try SlowLoopback()
    for hidden in [16, 20] {
      let next = try KernelTestHost.policy(seed: 2, hidden: hidden).snapshot
      let last = try KernelTestHost.policy(seed: 5, hidden: hidden).snapshot
      var survived = 0
      var actionCount = 0
      repeat {
        try attached("j") { name in
          // Past so short a limit a set that is marked as left serves no flow at all.
          try Instance(name.text).pinned().current().control.drainLimitNanoseconds = 1_000_000
          let flow = try TestFlow(loopback, congestion: name.congestion)
          defer { flow.end() }
          flow.startSending()
          do {
            let instance = try Instance(name.text).pinned()
            var router = try instance.router()
            let actions = try router.install(next.identity, now: MonotonicClock.nanoseconds)
            actionCount = actions.count
            try instance.perform(Array(actions.prefix(survived)), snapshot: next)
          }
          // What the dead command held is gone; the kernel goes on, with flows that run and with new ones.
          let before = flow.sent
          #expect(eventually { flow.sent > before + 100_000 }, "\(survived) actions")
          try expectServed(loopback, name, running: 1, "\(survived) of \(actionCount) actions")
          #expect(try Instance(name.text).status().slots.contains { $0.state == .active })
          let status = try Instance(name.text).update(last)
          #expect(
            status.slots.first { $0.state == .active }?.digest == last.digest.hexadecimal)
          #expect(try eventually { try flowCount(name) == 1 }, "\(survived) actions")
          try expectServed(loopback, name, running: 1, "\(survived) actions, then an update")
        }
        survived += 1
      } while survived <= actionCount
    }
  }

  @Test("commands at the same time exclude each other, and every update counts")
  func concurrent() throws {
    try attached("k") { name in
      let snapshots = try (10..<14).map { try KernelTestHost.policy(seed: UInt64($0)).snapshot }
      DispatchQueue.concurrentPerform(iterations: snapshots.count) { index in
        _ = try? Instance(name.text).update(snapshots[index])
      }
      let versions = try Instance(name.text).status().slots.map(\.version).sorted()
      #expect(versions == [1, 2, 3, 4, 5])
    }
  }
}
