import CMedullaABI
import DatapathCases
import Foundation
import MedullaCompile
import MedullaFlows
import MedullaKernel
import MedullaSnapshot
import PacketCases
import Testing

@testable import MedullaClassification
@testable import MedullaDatapath

/// A classifier as an instance: what every function's verbs do for it.
@Suite(
  "a classifier is an instance like any", .serialized,
  .enabled(if: KernelTestHost.isUsable, KernelTestHost.reason))
struct KernelClassifierInstanceTests {
  private static func frame(_ flow: Int, backward: Bool = false, flags: UInt8 = 24) -> [UInt8] {
    var frame =
      Wire.ethernet(0x0800) + Wire.four(6, bytes: 20 + 30) + Wire.tcp(flags: flags)
      + [UInt8](repeating: 7, count: 30)
    let (near, far): ([UInt8], [UInt8]) = ([10, 0, 0, 1], [10, 0, 0, 2])
    let (from, to) = (Wire.word(1_000 + flow), Wire.word(443))
    frame.replaceSubrange(26..<34, with: backward ? far + near : near + far)
    frame.replaceSubrange(34..<38, with: backward ? to + from : from + to)
    return frame
  }

  private struct Attached {
    let name: InstanceName
    let wire: VethPair

    /// One packet of a flow: forward comes in at the receiver, backward goes out of it.
    func send(_ flow: Int, backward: Bool = false, flags: UInt8 = 24) throws {
      let bytes = frame(flow, backward: backward, flags: flags)
      let device = backward ? VethPair.receiver : VethPair.sender
      #expect(try wire.send(1, on: 0, at: device) { _ in bytes } == 1)
    }

    func status() throws -> InstanceStatus { try Instance(name.text).status() }

    func packets() throws -> Int {
      let rows = try status().details["classes"]?.array ?? []
      return rows.reduce(0) { $0 + ($1.object?["packets"]?.integer ?? 0) }
    }
  }

  private func attached(_ letter: String, at hook: String, _ body: (Attached) throws -> Void) throws {
    let wire = try VethPair()
    let name = try InstanceName(KernelTestHost.name(letter))
    let snapshot = try ClassifierBench.network().snapshot
    var settings = ClassifierSettings()
    settings.moment = .packet(2)
    let classifier = Classifier(at: try FunctionHook(hook), settings)
    _ = try wire.inside {
      try Instance(name.text).attach(classifier, snapshot, settings: .init(sampleEvery: 1))
    }
    do {
      try body(Attached(name: name, wire: wire))
    } catch {
      try? Instance(name.text).detach()
      throw error
    }
    try Instance(name.text).detach()
    #expect(!BPFFileSystem.exists(PinnedInstance.path(of: name)))
    // Nothing counts any more, at either end.
    let links = try wire.output(["tc", "filter", "show", "dev", VethPair.receiver, "egress"])
    #expect(!links.contains("medulla"))
  }

  @Test("at both directions of an interface a flow is one, with what came in and what went out")
  func both() throws {
    try attached("ib", at: "tc:\(VethPair.receiver):both") { attached in
      let samples = try Instance(attached.name.text).samples()
      for _ in 0..<3 {
        try attached.send(1)
        try attached.send(1, backward: true)
      }
      #expect(try eventually { try attached.packets() == 6 })
      let status = try attached.status()
      let active = try #require(status.slots.first { $0.state == .active })
      #expect(active.flows == 1 && status.hook == "tc:med-rx:ingress,tc:med-rx:egress")
      // Decided at its second packet, which was the other direction's first.
      let sample = try #require(try samples.drain().first)
      #expect(sample.features[2] == sample.features[3], "as many bytes forward as backward")
      #expect(sample.outcomes[2] == 2 && sample.outcomes[3] == 2 * 84)
      #expect(sample.outcomes[6] == 1_001 << 48 | 443 << 32 | 6 << 24 | 4 << 16)
      let outcome = try #require(ClassifierOutcome(sample.outcomes))
      #expect(outcome.source.count == 4 && outcome.sourcePort == 1_001 && outcome.transport == 6)
      #expect(outcome.packets == 2 && outcome.row == Int(sample.outcomes[0]))
    }
  }

  @Test(
    "a network of another shape is for new flows, at both directions, and a rollback brings the old one back")
  func shapes() throws {
    try attached("ic", at: "tc:\(VethPair.receiver):both") { attached in
      let samples = try Instance(attached.name.text).samples()
      func version(of flow: Int) throws -> UInt64? {
        try attached.send(flow)
        try attached.send(flow, backward: true)
        var seen: UInt64?
        _ = try eventually {
          seen = try samples.drain().last?.version
          return seen != nil
        }
        return seen
      }
      try attached.send(1)
      #expect(try version(of: 2) == 1)
      try Instance(attached.name.text).update(ClassifierBench.network(seed: 2, hidden: 9).snapshot)
      #expect(try version(of: 3) == 2)
      // The flow that had begun stays on the program set that it began with.
      try attached.send(1, backward: true)
      #expect(try eventually { try samples.drain().last?.version == 1 })
      try Instance(attached.name.text).rollback()
      #expect(try version(of: 4) == 1)
      #expect(try attached.status().orphaned == 0)
    }
  }

  @Test("sixty-four classes are told apart, and more are refused when they are compiled")
  func manyClasses() throws {
    let labels = (0..<64).map { "class-\($0)" }
    let wire = try VethPair()
    let name = KernelTestHost.name("ie")
    let (snapshot, file) = try ClassifierBench.network(labels: labels, hidden: 32)
    let classifier = Classifier(at: try FunctionHook("xdp:\(VethPair.receiver)"))
    _ = try wire.inside { try Instance(name).attach(classifier, snapshot, settings: .init(sampleEvery: 1)) }
    defer { try? Instance(name).detach() }
    let samples = try Instance(name).samples()
    for _ in 0..<10 { _ = try wire.send(1, on: 0) { _ in Self.frame(1) } }
    var all: [FunctionSample] = []
    #expect(
      try eventually {
        all += try samples.drain()
        return !all.isEmpty
      })
    let reference = ReferenceInterpreter(file.snapshot)
    #expect(all.count == 1 && all.allSatisfy { reference.run(features: $0.features) == $0.outputs })
    #expect(throws: SnapshotError.self) { try ClassifierBench.network(labels: labels + ["one-more"]) }
  }

  @Test("a network of other classes or other features is refused or is another shape; what runs goes on")
  func otherNetworks() throws {
    try attached("id", at: "xdp:\(VethPair.receiver)") { attached in
      let other = try ClassifierBench.network(labels: ["web", "chat", "voice"]).snapshot
      let error = #expect(throws: DatapathError.self) { try Instance(attached.name.text).update(other) }
      #expect(error?.code == .wrongShape && error?.message.contains("voice") == true)
      let bare = try KernelTestHost.network(
        seed: 5, inputs: ClassifierBench.features.count, outputs: 3, hidden: 8
      ).snapshot
      let refused = #expect(throws: DatapathError.self) { try Instance(attached.name.text).update(bare) }
      #expect(refused?.code == .badBundle && refused?.remedy.contains("--features") == true)
      try attached.send(1)
      try attached.send(1)
      #expect(try eventually { try attached.packets() == 2 })
      let active = try #require(try attached.status().slots.first { $0.state == .active })
      #expect(active.version == 1 && active.inferences == 1)
    }
  }
}
