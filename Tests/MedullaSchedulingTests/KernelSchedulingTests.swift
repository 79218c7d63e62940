import CMedullaABI
import DatapathCases
import Foundation
import MedullaBase
import MedullaCompile
import MedullaFlows
import MedullaKernel
import MedullaModel
import MedullaSnapshot
import PacketCases
import Testing

@testable import MedullaDatapath
@testable import MedullaScheduling

@Suite(
  "flow scheduling in the kernel", .serialized,
  .enabled(if: KernelTestHost.isUsable, KernelTestHost.reason))
struct KernelSchedulingTests {
  /// A network that says of each flow what its first packet's payload says: log2(1 + bytes) of it and as much
  /// again.
  private static func network(_ bias: Float = 0) throws -> (snapshot: DatapathSnapshot, file: SnapshotFile) {
    let features = ["log2(1+payload_forward)", "log2(1+recent_bytes_1)"].compactMap(InputFeature.init)
    let network = try Network(
      name: "sizes", inputShape: TensorShape([2]),
      layers: [
        .dense(Dense(inputs: 2, outputs: 2, weights: [1, 0, 0, 1], bias: [0, 0])), .activation(.relu),
        .dense(Dense(inputs: 2, outputs: 1, weights: [1, 0], bias: [bias])),
      ])
    let samples = (0...64).map { [Float($0) / 2, Float($0) / 3] }
    let quantizer = Quantizer(QuantizerOptions(flows: FlowInterface(features: features)))
    let file = try SnapshotFile(quantizer.quantize(network, Calibration(samples: samples)))
    return (try DatapathSnapshot(compiling: file, name: "sizes"), file)
  }

  private struct Attached {
    let name: InstanceName
    let wire: VethPair

    func counts() throws -> [scheduling_counts] {
      let function = try #require(try Instance(name.text).pinned().function as? FlowScheduling)
      return try function.counts(of: name)
    }

    func classes() throws -> [Int] {
      let text = try wire.output(["tc", "-s", "class", "show", "dev", VethPair.sender])
      return (1...4).map { number in
        let block = text.components(separatedBy: "class htb 1:\(number) ").dropFirst().first ?? ""
        let words = block.split(whereSeparator: { $0 == " " || $0 == "\n" }).map(String.init)
        return words.firstIndex(of: "pkt").flatMap { Int(words[$0 - 1]) } ?? 0
      }
    }
  }

  /// At the egress of a wire with four classes, the last of which is for what has no band.
  private func attached(
    _ letter: String, _ change: (inout SchedulingSettings) throws -> Void = { _ in },
    _ body: (Attached) throws -> Void
  ) throws {
    let wire = try VethPair()
    var commands = [
      ["qdisc", "replace", "dev", VethPair.sender, "root", "handle", "1:", "htb", "default", "4"]
    ]
    for number in 1...4 {
      commands.append([
        "class", "add", "dev", VethPair.sender, "parent", "1:", "classid", "1:\(number)", "htb", "rate",
        "1gbit", "prio", "\(number)",
      ])
    }
    for command in commands { try SlowLoopback.run(["ip", "netns", "exec", wire.name, "tc"] + command) }
    var settings = SchedulingSettings()
    try settings.setBands("300,3000")
    try settings.setPriority("1:1")
    try change(&settings)
    let name = try InstanceName(KernelTestHost.name(letter))
    let scheduling = FlowScheduling(at: try FunctionHook("tc:\(VethPair.sender):egress"), settings)
    let snapshot = try Self.network().snapshot
    _ = try wire.inside {
      try Instance(name.text).attach(scheduling, snapshot, settings: .init(sampleEvery: 1))
    }
    defer { try? Instance(name.text).detach() }
    try body(Attached(name: name, wire: wire))
  }

  private static func frame(_ flow: Int, payload: Int, flags: UInt8 = 24) -> [UInt8] {
    var frame =
      Wire.ethernet(0x0800) + Wire.four(6, bytes: 20 + payload) + Wire.tcp(flags: flags)
      + [UInt8](repeating: 7, count: payload)
    frame.replaceSubrange(34..<36, with: Wire.word(1_000 + flow))
    return frame
  }

  @Test("flows get the class of their predicted size, and a sample with the true one when they end")
  func bands() throws {
    try attached("sa") { attached in
      let samples = try Instance(attached.name.text).samples()
      // The first packets say: up to 300 bytes, up to 3,000, and, of three packets, the same.
      let lives = [[100, 100], [1_000, 500, 200], [200]]
      for (flow, life) in lives.enumerated() {
        for (index, payload) in life.enumerated() {
          let flags: UInt8 = index == life.count - 1 ? 17 : 24
          #expect(
            try attached.wire.send(1, on: 0) { _ in Self.frame(flow, payload: payload, flags: flags) } == 1)
        }
      }
      #expect(try eventually { try attached.counts().reduce(0) { $0 + $1.packets } == 6 })
      let counts = try attached.counts()
      #expect(counts.map(\.flows) == [2, 1, 0] && counts.map(\.ended) == [2, 1, 0])
      // The first flow's 308 bytes are more than 300: it moves on with its second packet.
      #expect(counts.map(\.packets) == [2, 4, 0] && counts.map(\.demoted) == [1, 0, 0])
      #expect(counts.map(\.right) == [1, 1, 0])
      #expect(try attached.classes() == [2, 4, 0, 0])
      let reference = ReferenceInterpreter(try Self.network().file.snapshot)
      let all = try samples.drain()
      #expect(all.count == 3)
      for (sample, life) in zip(all, lives) {
        let bytes = UInt64(life.reduce(0) { $0 + $1 + 54 })
        #expect(sample.features == [flow_input_log2(UInt64(life[0]), 16), sample.features[1]])
        #expect(reference.run(features: sample.features) == sample.outputs)
        #expect(
          Array(sample.outcomes.prefix(3)) == [
            flow_input_log2(bytes, 16), Int64(bytes), Int64(life.count),
          ])
      }
      // What the same hosts sent before is known.
      #expect(all.map { $0.features[1] > 0 } == [false, true, true])
    }
  }

  @Test("without demotion a flow stays in its predicted band; with every packet it is predicted again")
  func everyPacket() throws {
    try attached("sb", { ($0.demotes, $0.moment) = (false, .packet(1)) }) { attached in
      for _ in 0..<4 { _ = try attached.wire.send(1, on: 0) { _ in Self.frame(1, payload: 200) } }
      #expect(try eventually { try attached.counts().map(\.packets) == [4, 0, 0] })
    }
    try attached("sc", { ($0.demotes, $0.moment) = (false, .everyPacket) }) { attached in
      // The payload so far: 200, 400, 600, 800.
      for _ in 0..<4 { _ = try attached.wire.send(1, on: 0) { _ in Self.frame(1, payload: 200) } }
      #expect(try eventually { try attached.counts().map(\.packets) == [1, 3, 0] })
    }
  }

  @Test("quantiles are learned from the flows that have ended, and again when sizes change")
  func quantiles() throws {
    try attached("sf", { try $0.setBands("50%,90%") }) { attached in
      func limits(after flows: Range<Int>, payloads: [Int]) throws -> [UInt64] {
        _ = try attached.wire.send(flows.count, on: 0) { number in
          Self.frame(flows.lowerBound + number, payload: payloads[number % payloads.count], flags: 17)
        }
        let function = try #require(
          try Instance(attached.name.text).pinned().function as? FlowScheduling)
        return try function.limits(of: attached.name)
      }
      #expect(try limits(after: 0..<63, payloads: [100]) == [10_000, 100_000])
      // Six of ten have 154 bytes, three 454, one 1,354; limits are at the bins' ends.
      let first = try limits(after: 63..<640, payloads: [100, 100, 100, 100, 100, 100, 400, 400, 400, 1_300])
      #expect(
        first.count == 2 && (154..<190).contains(first[0]) && (454..<512).contains(first[1]), "\(first)")
      // Nearly all are large now.
      let second = try limits(after: 640..<20_000, payloads: [1_300])
      #expect(second.allSatisfy { (1_354..<1_536).contains($0) }, "\(second)")
    }
  }

  @Test("when the room is full packets of large flows are refused, and those of small ones are not")
  func admission() throws {
    try attached("sg", { try $0.setAdmission("1mbit,128KiB") }) { attached in
      func send(_ flow: Int, payload: Int, _ count: Int) throws {
        let bytes = Self.frame(flow, payload: payload)
        _ = try attached.wire.send(count, on: 0, tries: 1) { _ in bytes }
      }
      // Of a flow that is said to be large half as much again as all bands hold, with small packets between,
      // so that there are ranks before its own.
      for _ in 0..<10 {
        try send(1, payload: 1_300, 43)
        try send(2, payload: 40, 10)
      }
      let counts = try attached.counts()
      #expect(counts[0].refused == 0 && counts[1].refused + counts[2].refused > 50, "\(counts)")
      let sent = try attached.classes()
      #expect(sent.reduce(0, +) + Int(counts.reduce(0) { $0 + $1.refused }) == 530)
      // The small flow still has room when nothing is left for the large one.
      try send(3, payload: 40, 5)
      #expect(try attached.counts()[0].refused == 0)
    }
    var settings = SchedulingSettings()
    for text in ["", "1mbit", "1mbit,1KiB", "fast,1MiB", "1mbit,1MiB,2"] {
      #expect(throws: DatapathError.self) { try settings.setAdmission(text) }
    }
    try settings.setAdmission("100mbit,256KiB")
    let words = settings.words(outputFractionBits: 16)
    #expect(words.byte_ps == 80_000 && words.room == 262_144)
    let back = try JSONDecoder().decode(SchedulingSettings.self, from: JSONEncoder().encode(settings))
    #expect(back == settings)
  }

  @Test("code points are written with a right checksum, and ECN's bits stay")
  func codePoints() throws {
    try attached("sd", { try $0.setMarks("46,26,0") }) { attached in
      let reader = try attached.wire.listen()
      var frame = Self.frame(1, payload: 100)
      frame[15] = 2
      frame.replaceSubrange(24..<26, with: Self.checksum(of: frame))
      let bytes = frame
      _ = try attached.wire.send(1, on: 0) { _ in bytes }
      let seen = try #require(reader.next())
      #expect(seen[15] == 46 << 2 | 2)
      #expect(Array(seen[24..<26]) == Self.checksum(of: seen))
    }
  }

  /// Of the IPv4 header.
  private static func checksum(of frame: [UInt8]) -> [UInt8] {
    var sum = 0
    for at in stride(from: 14, to: 34, by: 2) where at != 24 {
      sum += Int(frame[at]) << 8 | Int(frame[at + 1])
    }
    while sum > 0xffff { sum = sum & 0xffff + sum >> 16 }
    return Wire.word(~sum & 0xffff)
  }

  @Test("an update changes what new flows are predicted, and a rollback brings it back")
  func update() throws {
    try attached("se") { attached in
      func band(of flow: Int) throws -> Int? {
        let before = try attached.counts().map(\.flows)
        _ = try attached.wire.send(1, on: 0) { _ in Self.frame(flow, payload: 100) }
        #expect(try eventually { try attached.counts().map(\.flows) != before })
        return zip(try attached.counts().map(\.flows), before).map { $0 - $1 }.firstIndex(of: 1)
      }
      #expect(try band(of: 1) == 0)
      // Four powers of two more: 100 bytes are said to become 1,600.
      try Instance(attached.name.text).update(Self.network(4).snapshot)
      #expect(try band(of: 2) == 1)
      try Instance(attached.name.text).rollback()
      #expect(try band(of: 3) == 0)
    }
  }
}
