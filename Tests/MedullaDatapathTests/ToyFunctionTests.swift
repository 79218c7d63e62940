import DatapathCases
import Foundation
import MedullaKernel
import MedullaSnapshot
import Testing

@testable import MedullaDatapath

@Suite(
  "a function that is registered from outside the core", .serialized,
  .enabled(if: KernelTestHost.isUsable, KernelTestHost.reason))
struct ToyFunctionTests {
  static let list = FunctionList([ToyFunction.self])

  private func snapshot(seed: UInt64, hidden: Int = 6) throws -> (
    snapshot: DatapathSnapshot, file: SnapshotFile
  ) {
    try KernelTestHost.network(
      seed: seed, inputs: 2, outputs: 1, hidden: hidden, functions: Self.list)
  }

  /// Attaches at the loopback of a namespace, and detaches whatever happens.
  private func attached(_ letter: String, _ body: (Instance, SlowLoopback) throws -> Void) throws {
    let loopback = try SlowLoopback()
    let instance = Instance(try InstanceName(KernelTestHost.name(letter)), among: Self.list)
    let first = try snapshot(seed: 1).snapshot
    _ = try loopback.inside {
      try instance.attach(
        ToyFunction(values: ["device": .text("lo"), "small": .number(50)]), first,
        settings: InstanceSettings(sampleEvery: 1))
    }
    defer { try? instance.detach() }
    try body(instance, loopback)
    try instance.detach()
    #expect(!BPFFileSystem.exists(PinnedInstance.path(of: instance.name)))
  }

  private func flows(_ instance: Instance) throws -> [UInt64] { try instance.status().slots.map(\.flows) }

  @Test("it judges at one hook and tallies at the other, by two objects that share maps")
  func hooks() throws {
    try attached("ya") { instance, loopback in
      let flow = try DatagramFlow(loopback)
      flow.send("hello")
      flow.send(String(repeating: "long", count: 40))
      let status = try instance.status()
      #expect(status.function == "toy" && status.hook == "tc:lo:egress,tc:lo:ingress")
      #expect(status.slots[0].inferences == 2 && status.slots[0].counters == ["small": 1])
      #expect(StatusTable(status, among: Self.list).text.contains("small"))
      let totals = try ToyFunction.totals(instance.pinned())
      #expect(totals[0] >= 2 && totals[1] == totals[0])
      let reference = ReferenceInterpreter(try snapshot(seed: 1).file.snapshot)
      let samples = try instance.samples().drain()
      #expect(samples.map(\.outcomes) == [[13], [168]])
      for sample in samples { #expect(reference.run(features: sample.features) == sample.outputs) }
      #expect(
        try instance.query().run([[1 << 16, 1 << 16]]) == [reference.run(features: [1 << 16, 1 << 16])])
    }
  }

  @Test("flows stay on their snapshot over an update, and its own drain moves them past the limit")
  func update() throws {
    try attached("yb") { instance, loopback in
      let old = try DatagramFlow(loopback)
      old.send()
      try instance.update(snapshot(seed: 2).snapshot)
      let new = try DatagramFlow(loopback)
      new.send()
      old.send()
      #expect(try flows(instance) == [1, 1])
      #expect(try instance.samples().drain().map(\.version) == [1, 2, 1])
      try instance.setDrainLimit(.seconds(1))
      usleep(1_200_000)
      let drained = try instance.sweep()
      #expect(drained.slots.map(\.flows) == [0, 2] && drained.slots[0].flowsMoved == 1)
      #expect(try instance.rollback().slots.first { $0.state == .active }?.version == 1)
    }
  }

  @Test("another shape brings both objects, both hooks follow, and what is shared stays")
  func otherShape() throws {
    try attached("yc") { instance, loopback in
      let flow = try DatagramFlow(loopback)
      flow.send()
      let before = try ToyFunction.totals(instance.pinned())
      let status = try instance.update(snapshot(seed: 3, hidden: 9).snapshot)
      #expect(status.generations.map(\.current) == [false, true])
      let next = try DatagramFlow(loopback)
      next.send()
      let totals = try ToyFunction.totals(instance.pinned())
      #expect(totals[0] > before[0] && totals[1] == totals[0])
      #expect(try instance.samples().drain().map(\.version) == [1, 2])
      // A command that died after it had pointed one of two hooks.
      do {
        let pinned = try instance.pinned()
        let second = ToyFunction().hooks(of: instance.name)[1]
        try second.point(pinned.link(second.pin), to: #require(pinned.generations.first))
      }
      try instance.sweep()
      let pinned = try instance.pinned()
      let current = try pinned.current()
      for hook in ToyFunction().hooks(of: instance.name) {
        #expect(try Hook.target(of: pinned.link(hook.pin)) == hook.identifier(in: current))
      }
    }
  }

  @Test("a list without it names what it does not know, and still takes it away")
  func unknown() throws {
    try attached("yd") { instance, loopback in
      let other = Instance(instance.name, among: FunctionList([]))
      let error = #expect(throws: DatapathError.self) { try other.status() }
      #expect(error?.message.contains("toy") == true)
      var told: [String] = []
      try other.detach { told.append($0) }
      #expect(told.contains { $0.contains("toy") })
      #expect(throws: DatapathError.self) { try instance.status() }
      // What `attached` detaches at its end.
      let first = try snapshot(seed: 1).snapshot
      _ = try loopback.inside { try instance.attach(ToyFunction(), first) }
    }
  }
}
