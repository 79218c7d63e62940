import DatapathCases
import Foundation
import Glibc
import MedullaNF
import Testing

@Suite(
  "Chains on DPDK's drivers", .serialized, .enabled(if: DPDKTestHost.isUsable, DPDKTestHost.reason))
struct DPDKDriverTests {
  @Sendable private static func frame(_ number: Int) -> TestFrame {
    TestFrame(number: number, destinationPort: 7_000 + number % 3, size: 60 + number * 37 % 1_400)
  }

  private static func folder() throws -> URL {
    let folder = FileManager.default.temporaryDirectory.appendingPathComponent("medulla-dpdk-\(UUID())")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    return folder
  }

  @Test("from a capture through a process without rights into a capture: every byte, and every count")
  func captures() throws {
    let folder = try Self.folder()
    let cut = [UInt8](repeating: 2, count: 12) + [0x81, 0]
    let long = TestFrame(number: 1, size: 1_900).bytes
    let frames = (0..<3_000).map { Self.frame($0).bytes }
    try Capture.write(frames + [cut, long], to: folder.appendingPathComponent("in.pcap"))
    let host = try DPDKHost(
      [
        "device:wire=net_pcap0,rx_pcap=FOLDER/in.pcap,tx_pcap=FOLDER/back.pcap",
        "device:out=net_pcap1,tx_pcap=FOLDER/out.pcap",
        "function:process,2000,inner", "user:process,\(FunctionProcess.user)", "function:inner,2000,@out",
        "function:thread,2000,release,@wire", "rule:7000,process", "rule:7001,thread", "waits",
      ], folder: folder)
    let process = try host.running {
      try FunctionProcess("nf-test-function", [host.path, "process", "next"])
    }
    let inner = FunctionThread(host.path, "inner", expecting: Self.frame)
    let thread = FunctionThread(
      host.path, "thread", expecting: Self.frame, verdict: { $0 % 2 == 0 ? .branch(0) : .next })
    let report = try #require(try host.settled(seen: 3_001))
    #expect([report.delivered, report.unmatched, report.malformed, report.notTaken] == [2_000, 1_000, 1, 0])
    for name in ["process", "inner", "thread"] {
      let function = try #require(report[name])
      #expect([function.received, function.returned, UInt64(function.held)] == [1_000, 1_000, 0], "\(name)")
      #expect(function.overQuota + function.absent + function.forged + function.lost == 0, "\(name)")
    }
    #expect(report.interfaces.map(\.sent) == [500, 1_000])
    // What is longer than a frame of memory is counted by the device, and nobody's.
    #expect(report.interfaces.map(\.lost) == [1, 0] && report.interfaces.allSatisfy { $0.refused == 0 })
    #expect(report.frames.free == report.frames.total)
    try host.stop()
    inner.end()
    thread.end()
    #expect(!process.isRunning || eventually { !process.isRunning })
    #expect(inner.seen.map(\.number) == Array(stride(from: 0, to: 3_000, by: 3)))
    #expect((inner.seen + thread.seen).allSatisfy { $0.isWhole && $0.nanoseconds > 0 })
    #expect(inner.seen.allSatisfy { $0.rule == 0 } && thread.seen.allSatisfy { $0.rule == 1 })
    let out = try Capture.read(folder.appendingPathComponent("out.pcap"))
    #expect(out == stride(from: 0, to: 3_000, by: 3).map { frames[$0] })
    let back = try Capture.read(folder.appendingPathComponent("back.pcap"))
    #expect(back == stride(from: 4, to: 3_000, by: 6).map { frames[$0] })
  }

  @Test("what a function sends into a ring comes out of it in the same memory, as often as it is sent")
  func rings() throws {
    let folder = try Self.folder()
    let frames = (0..<500).map { TestFrame(number: $0, size: 60 + $0 * 37 % 1_400).bytes }
    try Capture.write(frames, to: folder.appendingPathComponent("in.pcap"))
    let host = try DPDKHost(
      [
        "device:wire=net_ring0", "device:wire=net_pcap0,rx_pcap=FOLDER/in.pcap",
        "device:out=net_pcap1,tx_pcap=FOLDER/out.pcap",
        "function:first,1000,@out,@wire", "every:first", "waits",
      ], folder: folder)
    let seen = Box<[Int: Int]>([:])
    let first = try host.running {
      FunctionThread(host.path, "first", expecting: { TestFrame(number: $0, size: 60 + $0 * 37 % 1_400) }) {
        number in
        seen.change {
          $0[number, default: 0] += 1; return $0[number] ?? 0 < 8 ? .branch(0) : .next
        }
      }
    }
    let report = try #require(try host.settled(seen: 4_000))
    #expect(report.delivered == 4_000 && report["first"]?.returned == 4_000)
    #expect(report.interfaces.map(\.sent) == [3_500, 500] && report.interfaces[0].refused == 0)
    #expect(report.frames.free == report.frames.total)
    try host.stop()
    first.end()
    #expect(first.count == 4_000 && first.seen.allSatisfy(\.isWhole))
    let out = try Capture.read(folder.appendingPathComponent("out.pcap"))
    #expect(Set(out) == Set(frames) && out.count == 500)
  }

  @Test("between two hosts over memif every frame arrives once, unchanged, whichever end serves")
  func memif() throws {
    for (sender, receiver) in [("client", "server"), ("server", "client")] {
      let folder = try Self.folder()
      let frames = (0..<900).map { TestFrame(number: $0, size: 60 + $0 * 37 % 1_400).bytes }
      try Capture.write(frames, to: folder.appendingPathComponent("in.pcap"))
      func memif(_ role: String) -> String {
        "net_memif0,role=\(role),socket=FOLDER/memif.sock,socket-abstract=no"
      }
      func far() throws -> DPDKHost {
        try DPDKHost(
          [
            "device:wire=\(memif(receiver))",
            "device:out=net_pcap1,tx_pcap=FOLDER/out.pcap",
            "function:far,1000,@out", "every:far",
          ], folder: folder)
      }
      func near() throws -> DPDKHost {
        try DPDKHost(
          [
            "device:wire=net_pcap0,rx_pcap=FOLDER/in.pcap",
            "device:out=\(memif(sender))", "function:near,1000,@out", "every:near", "waits",
          ], folder: folder)
      }
      // A client that finds no server does not begin.
      let server = try sender == "client" ? far() : near()
      let client = try server.running { try sender == "client" ? near() : far() }
      let hosts = sender == "client" ? [client, server] : [server, client]
      #expect(try hosts[0].report { $0.interfaces[1].isUp == true } != nil)
      #expect(try hosts[1].report { $0.interfaces[0].isUp == true } != nil)
      let last = FunctionThread(
        hosts[1].path, "far", expecting: { TestFrame(number: $0, size: 60 + $0 * 37 % 1_400) })
      #expect(try hosts[1].isPresent(["far"]))
      let first = FunctionThread(hosts[0].path, "near")
      let sent = try #require(try hosts[0].report { $0.interfaces[1].sent == 900 })
      #expect(sent.interfaces[1].refused == 0)
      let report = try #require(try hosts[1].settled(seen: 900))
      #expect(report.delivered == 900 && report.interfaces[0].lost == 0)
      for host in hosts { try host.stop() }
      first.end()
      last.end()
      #expect(last.seen.map(\.number) == Array(0..<900) && last.seen.allSatisfy(\.isWhole))
      #expect(try Capture.read(folder.appendingPathComponent("out.pcap")) == frames)
    }
  }

  @Test("on a veth pair by net_af_xdp every frame comes in once, unchanged, and goes out")
  func wire() throws {
    let pair = try VethPair()
    try SlowLoopback.run([
      "ip", "-n", pair.name, "link", "add", ChainCase.output, "type", "veth", "peer", "name", ChainCase.sink,
    ])
    for device in [ChainCase.output, ChainCase.sink] {
      _ = try pair.output(["sysctl", "-qw", "net.ipv6.conf.\(device).disable_ipv6=1"])
      try SlowLoopback.run(["ip", "-n", pair.name, "link", "set", device, "up"])
    }
    let host = try DPDKHost(
      [
        "device:wire=net_af_xdp0,iface=\(VethPair.receiver)",
        "device:out=net_af_xdp1,iface=\(ChainCase.output)", "bytes:4096",
        "function:first,2000,@out", "user:first,\(FunctionProcess.user)", "function:second,2000,@wire",
        "rule:7000,first", "rule:7001,second",
      ], namespace: pair.name)
    let sink = try FrameSink(pair, device: ChainCase.sink)
    let first = try host.running { try FunctionProcess("nf-test-function", [host.path, "first", "next"]) }
    let second = FunctionThread(host.path, "second", expecting: Self.frame)
    #expect(try host.isPresent(["first", "second"]))
    let (rounds, size) = (6, 300)
    for round in 0..<rounds {
      let bytes = (round * size..<(round + 1) * size).map { Self.frame($0).bytes }
      #expect(try pair.send(size, on: round % 2, tries: 20_000) { bytes[$0] } == size)
      #expect(try host.settled(seen: (round + 1) * size) != nil, "round \(round)")
    }
    let all = 0..<rounds * size
    let found = sink.all(600)
    #expect(
      found == Dictionary(uniqueKeysWithValues: all.filter { $0 % 3 == 0 }.map { (Self.frame($0).bytes, 1) }))
    let report = try host.stop()
    #expect(report.delivered == 1_200 && report.unmatched == 600)
    #expect(report.interfaces.map(\.sent) == [600, 600])
    second.end()
    #expect(second.seen.map(\.number) == all.filter { $0 % 3 == 1 } && second.seen.allSatisfy(\.isWhole))
    #expect(!first.isRunning || eventually { !first.isRunning })
    // The interface is the kernel's again.
    #expect(try !pair.output(["ip", "link", "show", VethPair.receiver]).contains("xdp"))
  }
}
