import CMedullaABI
import DatapathCases
import Foundation
import MedullaBase
import MedullaCompile
import MedullaKernel
import MedullaModel
import MedullaSnapshot
import PacketCases
import Testing

@testable import MedullaDatapath
@testable import MedullaPaths

/// Real connections over two wires, of which the first is the routed one.
@Suite(
  "path selection in the kernel", .serialized,
  .enabled(if: KernelTestHost.isUsable, KernelTestHost.reason))
struct KernelPathTests {
  @Test("flows take the path whose cost is said to be least; an update changes it, a rollback brings it back")
  func least() throws {
    try PathBench.attached("pa", costs: [5, 3]) { bench in
      let server = try bench.wires.serve()
      defer { withExtendedLifetime(server) {} }
      let before = try bench.arrived()
      _ = try bench.wires.send(4, bytes: 100_000)
      #expect(try bench.counts().map(\.flows) == [0, 4])
      let after = try bench.arrived()
      // Neighbours ask for each other on any wire.
      #expect(after[1] - before[1] > 4 && after[0] - before[0] < 4)
      try Instance(bench.name.text).update(PathBench.network([3, 5]).snapshot)
      _ = try bench.wires.send(2, bytes: 100_000)
      #expect(try bench.counts().map(\.flows) == [2, 4])
      try Instance(bench.name.text).rollback()
      _ = try bench.wires.send(1, bytes: 1_000)
      #expect(try bench.counts().map(\.flows) == [2, 5])
    }
  }

  @Test("flows of IPv6 take another next hop; to an interface without one they do not go, but as routed")
  func six() throws {
    for (way, isFit) in [("dev=med-p1,via=fd80:1::2", true), ("dev=med-p1", false)] {
      try PathBench.attached("ph", costs: [5, 3], paths: ["route", way]) { bench in
        try bench.wires.configureNear([
          "-6", "route", "add", "fd99::2/128", "via", "fd80:1::2", "dev", "med-p1", "src", "fd98::1",
          "metric", "4096",
        ])
        let server = try bench.wires.serve()
        defer { withExtendedLifetime(server) {} }
        let before = try bench.arrived()
        _ = try bench.wires.send(4, bytes: 300_000, to: "fd99::2")
        #expect(try bench.counts().map(\.flows) == [0, 4])
        let after = try bench.arrived()
        let (taken, other) = isFit ? (1, 0) : (0, 1)
        #expect(after[taken] - before[taken] > 20 && after[other] - before[other] < 4, "\(way)")
        #expect(try (bench.counts()[1].unfit == 0) == isFit, "\(way)")
      }
    }
  }

  @Test("costs within the margin are shared by the hash, others are not")
  func margin() throws {
    try PathBench.attached("pb", costs: [5, 5.2], { try $0.setMargin(0.25) }) { bench in
      let server = try bench.wires.serve()
      defer { withExtendedLifetime(server) {} }
      _ = try bench.wires.send(40, bytes: 100)
      let flows = try bench.counts().map(\.flows)
      #expect(flows.reduce(0, +) == 40 && flows.allSatisfy { $0 >= 5 }, "\(flows)")
    }
    try PathBench.attached("pc", costs: [5, 5.3], { try $0.setMargin(0.25) }) { bench in
      let server = try bench.wires.serve()
      defer { withExtendedLifetime(server) {} }
      _ = try bench.wires.send(10, bytes: 100)
      #expect(try bench.counts().map(\.flows) == [10, 0])
    }
  }

  @Test("one of so many flows explores, and takes any path")
  func explores() throws {
    try PathBench.attached("pd", costs: [3, 9], { try $0.setExploration(2) }) { bench in
      let server = try bench.wires.serve()
      defer { withExtendedLifetime(server) {} }
      _ = try bench.wires.send(64, bytes: 100)
      let counts = try bench.counts()
      let explored = counts.reduce(0) { $0 + $1.explored }
      #expect((12...52).contains(explored) && counts[1].flows > 3 && counts[1].explored == counts[1].flows)
    }
  }

  @Test("when a flow has ended its sample says what its path cost, and what the interpreter says of it")
  func samples() throws {
    try PathBench.attached("pe", costs: [5, 3]) { bench in
      let server = try bench.wires.serve()
      defer { withExtendedLifetime(server) {} }
      let samples = try Instance(bench.name.text).samples()
      _ = try bench.wires.send(3, bytes: 300_000)
      var all: [FunctionSample] = []
      #expect(
        try eventually {
          all += try samples.drain()
          return all.count == 3
        })
      let interpreter = ReferenceInterpreter(try PathBench.network([5, 3]).file.snapshot)
      for sample in all {
        #expect(interpreter.run(features: sample.features) == sample.outputs)
        let outcomes = sample.outcomes
        #expect(outcomes[1] == 1 && outcomes[2] > 0 && outcomes[5] > 300_000 && outcomes[6] > 0)
        #expect(outcomes[0] >= flow_input_log2(UInt64(outcomes[2]), 16))
      }
      let states = try bench.states()
      #expect(states[1].rtt_us > 0 && states[1].heard_ns > 0 && states[0].heard_ns == 0)
      // What a flow is told of its path is what the flows before it saw.
      #expect(all.last?.features[1] ?? 0 > 0)
    }
  }

  @Test("a path counts the flows that are on it, and forgets them when they end or fall silent")
  func counted() throws {
    try PathBench.attached("pf", costs: [5, 3]) { bench in
      let server = try bench.wires.serve()
      defer { withExtendedLifetime(server) {} }
      let wires = bench.wires
      let sent = Background { try wires.send(5, bytes: 50, pieces: 2, pause: 1.5, atOnce: true) }
      #expect(try eventually { try bench.states().map(\.flows) == [0, 5] })
      _ = try sent.result()
      #expect(try eventually(within: 10) { try bench.states().map(\.flows) == [0, 0] })
    }
  }

  @Test("an outer IPv4 header is one of RFC 2003's, with the inner packet behind it as it was")
  func ipip() throws {
    let way = "ipip=10.80.1.2,from=10.80.1.1,dev=med-p1"
    try PathBench.attached("pg", costs: [9, 3], paths: ["route", way]) { bench in
      let reader = try bench.wires.listen(on: 1)
      _ = try bench.wires.talk(for: 0.2, every: 0.05)
      var frame: [UInt8] = []
      for _ in 0..<20 where frame.count < 38 || frame[23] != 4 { frame = try #require(reader.next()) }
      let outer = Array(frame[14..<34])
      #expect(outer[0] == 0x45 && outer[8] == 64 && outer[9] == 4)
      #expect(Array(outer[12..<20]) == [10, 80, 1, 1, 10, 80, 1, 2])
      #expect(Int(outer[2]) << 8 + Int(outer[3]) == frame.count - 14)
      let words = stride(from: 0, to: 20, by: 2).map { Int(outer[$0]) << 8 + Int(outer[$0 + 1]) }
      let sum = words.reduce(0, +)
      #expect(sum & 0xffff + sum >> 16 == 0xffff)
      // 10.98.0.1 to 10.99.0.2, UDP, and one byte of payload.
      let inner = Array(frame[34...])
      #expect(inner[0] == 0x45 && inner[9] == 17 && Array(inner[12..<20]) == [10, 98, 0, 1, 10, 99, 0, 2])
      #expect(inner.count == 29 && inner[28] == UInt8(ascii: "x"))
    }
  }

  @Test(
    "along segments of IPv6 everything arrives as it was sent",
    arguments: ["fd00:2::4", "fd00:1::e+fd00:2::4", "fd00:1::e+fd00:1::e+fd00:2::4"])
  func segments(list: String) throws {
    let way = "srv6=\(list),from=fd80:1::1,dev=med-p1"
    try PathBench.attached("ph", costs: [9, 3], paths: ["route", way]) { bench in
      try bench.endSegments()
      try bench.checksTunnel(to: Wires.server)
    }
  }

  @Test("packets that do not fit with a header before them go as routed, and are counted")
  func unfit() throws {
    let way = "srv6=fd00:2::4,from=fd80:1::1,dev=med-p1"
    try PathBench.attached("pi", costs: [9, 3], paths: ["route", way], isNarrow: false) { bench in
      try bench.endSegments()
      // Single segments of 1,500 bytes.
      try bench.wires.configureNear(["link", "set", "med-p0", "gso_max_segs", "1"])
      let server = try bench.wires.serve()
      defer { withExtendedLifetime(server) {} }
      _ = try bench.wires.send(1, bytes: 200_000)
      let counts = try bench.counts()
      #expect(counts[1].unfit > 0 && counts[1].packets > counts[1].unfit)
    }
  }
}
