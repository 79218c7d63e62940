import CMedullaNF
import DatapathCases
import Foundation
import Glibc
import MedullaNF
import Testing

@Suite(
  "What a chain over DPDK promises its functions", .serialized,
  .enabled(if: DPDKTestHost.isUsable, DPDKTestHost.reason))
struct DPDKHostTests {
  private static func folder(_ frames: [TestFrame]) throws -> URL {
    let folder = FileManager.default.temporaryDirectory.appendingPathComponent("medulla-dpdk-\(UUID())")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    try Capture.write(frames.map(\.bytes), to: folder.appendingPathComponent("in.pcap"))
    return folder
  }

  /// A capture that goes round in a ring for as long as functions send it back.
  private static let circle = [
    "device:wire=net_ring0", "device:wire=net_pcap0,rx_pcap=FOLDER/in.pcap",
  ]

  @Test("a stuck function holds its quota to the frame, and those of others go on")
  func stuck() throws {
    let frames = (0..<900).map { TestFrame(number: $0, destinationPort: 7_000 + $0 % 3) }
    let host = try DPDKHost(
      Self.circle + [
        "function:stuck,100,release", "function:first,1000,inner", "function:inner,70,release",
        "function:other,1000,release", "rule:7000,stuck", "rule:7001,first", "rule:7002,other", "waits",
      ], folder: Self.folder(frames))
    let names = ["stuck", "first", "inner", "other"]
    let threads = try host.running {
      names.map { name in
        FunctionThread(host.path, name, verdict: { _ in name == "stuck" || name == "inner" ? nil : .next })
      }
    }
    let report = try #require(try host.settled(seen: 900, keeping: 170))
    #expect(report["stuck"].map { [$0.received, $0.overQuota, UInt64($0.held)] } == [100, 200, 100])
    #expect(report["inner"].map { [$0.received, $0.overQuota, UInt64($0.held)] } == [70, 230, 70])
    for name in ["first", "other"] {
      #expect(report[name].map { [$0.received, $0.returned, $0.overQuota] } == [300, 300, 0])
    }
    #expect(report.delivered == 700 && report.notTaken == 200)
    #expect(report.frames.free == report.frames.total - 170)
    #expect(eventually { threads.map(\.count) == [100, 300, 70, 300] })
    try host.stop()
    threads.forEach { $0.end() }
  }

  @Test("a process that is killed with frames in hand loses them to DPDK's pool, and the next one goes on")
  func killed() throws {
    let own = 400
    let host = try DPDKHost(
      [
        "device:wire=net_pcap0,rx_pcap=FOLDER/in.pcap,infinite_rx=1", "function:first,500,release",
        "every:first", "waits",
      ], folder: Self.folder((0..<own).map { TestFrame(number: $0) }))
    for kills in 1...3 {
      let process = try host.running {
        try FunctionProcess("nf-test-function", [host.path, "first", "late"], user: nil)
      }
      let before = try host.report()["first"]?.received ?? 0
      #expect(
        try host.report {
          $0["first"]?.starts == UInt64(kills) && $0["first"]?.received ?? 0 > before + 1_000
        } != nil)
      process.kill()
      let report = try #require(
        try host.report { $0["first"]?.state == .absent && $0["first"]?.ends == UInt64(kills) })
      let first = try #require(report["first"])
      #expect(first.held == 0 && first.forged == 0 && first.reclaimed > 0)
      #expect(first.received == first.returned + first.reclaimed)
      // The driver keeps those that it sends round.
      #expect(report.frames.free + own == report.frames.total)
    }
    let report = try host.report()
    #expect(report["first"]?.absent ?? 0 > 0)
    try host.stop()
  }

  @Test(
    "what a function returns and has not is forged, and another's frames all come",
    arguments: ["foreign", "twice", "bogus", "scribble", "flood"])
  func rogue(_ act: String) throws {
    let frame: @Sendable (Int) -> TestFrame = { TestFrame(number: $0, destinationPort: 7_000 + $0 % 2) }
    let host = try DPDKHost(
      Self.circle + [
        "function:rogue,256,release,release,release", "user:rogue,\(FunctionProcess.user)",
        "function:victim,2000,@wire", "rule:7000,rogue", "rule:7001,victim", "waits",
      ], folder: Self.folder((0..<400).map(frame)))
    let seen = Box<[Int: Int]>([:])
    let victim = try host.running {
      FunctionThread(host.path, "victim", expecting: frame) { number in
        seen.change {
          $0[number, default: 0] += 1; return $0[number] ?? 0 < 100 ? .next : .release
        }
      }
    }
    let process = try FunctionProcess("nf-rogue-function", [host.path, "rogue", act, "1.5", "7"])
    let report = try #require(
      try host.report {
        $0["victim"]?.returned == 20_000 && $0["rogue"]?.starts == 1 && $0["rogue"]?.state == .absent
      })
    #expect(report["rogue"].map { $0.forged > 0 || $0.lastEnd?.contains("index") == true } == true)
    #expect(report["victim"].map { [$0.received, $0.forged, $0.overQuota] } == [20_000, 0, 0])
    #expect(try host.report { $0.frames.free == $0.frames.total } != nil)
    try host.stop()
    process.kill()
    victim.end()
    #expect(victim.count == 20_000 && victim.seen.allSatisfy(\.isWhole))
  }

  @Test(
    "with huge pages for packet memory and for DPDK's own all is as without",
    .enabled(if: DPDKTestHost.freeHugePages >= 128, "fewer than 128 huge pages are free"))
  func huge() throws {
    let host = try DPDKHost(
      Self.circle + ["function:first,500,release,@wire", "every:first", "waits", "huge", "eal:--in-memory"],
      folder: Self.folder((0..<400).map { TestFrame(number: $0) }))
    let seen = Box<[Int: Int]>([:])
    let first = try host.running {
      FunctionThread(host.path, "first", expecting: { TestFrame(number: $0) }) { number in
        seen.change {
          $0[number, default: 0] += 1; return $0[number] ?? 0 < 10 ? .branch(0) : .next
        }
      }
    }
    let report = try #require(try host.settled(seen: 4_000))
    #expect(report.frames.isHuge && report.frames.free == report.frames.total)
    try host.stop()
    first.end()
    #expect(first.count == 4_000 && first.seen.allSatisfy(\.isWhole))
  }

  /// Begins each frame so many bytes earlier.
  private final class Mover: NetworkFunction {
    let rounds: Int
    var seen: [Int: Int] = [:]
    var isWhole = true

    init(_ rounds: Int) { self.rounds = rounds }

    func receive(_ frames: UnsafeBufferPointer<Frame>, by port: FunctionPort) {
      for frame in frames {
        let original = UnsafeRawBufferPointer(rebasing: frame.bytes.suffix(200))
        let number = TestFrame.number(in: original) ?? -1
        isWhole = isWhole && TestFrame(number: number, size: 200).bytes == Array(original)
        isWhole = isWhole && frame.bytes.count == 200 + 24 * seen[number, default: 0]
        seen[number, default: 0] += 1
        guard seen[number] ?? 0 < rounds else {
          port.return(frame, .release)
          continue
        }
        port.return(place: frame.place - 24, length: frame.bytes.count + 24, .next)
      }
    }
  }

  @Test("a frame that a function begins earlier, and that comes round, is whole and has its stamp")
  func moved() throws {
    let host = try DPDKHost(
      Self.circle + ["function:first,500,@wire", "every:first", "waits"],
      folder: Self.folder((0..<100).map { TestFrame(number: $0, size: 200) }))
    let box = Box<(Bool, Int)>((false, 0))
    let done = DispatchSemaphore(value: 0)
    let path = try host.running { host.path }
    Thread {
      let mover = Mover(20)
      try? FunctionPort(path: path, function: "first").serve(mover)
      box.value = (mover.isWhole, mover.seen.values.reduce(0, +))
      done.signal()
    }.start()
    let report = try #require(try host.settled(seen: 2_000))
    #expect(report["first"]?.returned == 2_000 && report.interfaces[0].refused == 0)
    try host.stop()
    done.wait()
    #expect(box.value == (true, 2_000))
  }

  /// Writes into each frame and over its stamp, and returns the half of them, each twice.
  private final class Forger: NetworkFunction {
    let count: Int
    var frames: [Frame] = []

    init(_ count: Int) { self.count = count }

    func receive(_ new: UnsafeBufferPointer<Frame>, by port: FunctionPort) {
      guard let memory = port.writableMemory else { return }
      for frame in new {
        memory[frame.place + 50] = 0xaa
        for byte in frame.place - 32..<frame.place { memory[byte] = UInt8(truncatingIfNeeded: byte &* 7) }
      }
      frames += new
      guard frames.count == count else { return }
      for frame in frames.prefix(count / 2) {
        for _ in 0..<2 { port.return(frame, .next) }
      }
    }
  }

  @Test("a function that may write changes frames where they lie, and nobody believes what it writes of them")
  func writable() throws {
    let folder = try Self.folder((0..<200).map { TestFrame(number: $0) })
    let host = try DPDKHost(
      [
        "device:wire=net_pcap0,rx_pcap=FOLDER/in.pcap", "device:out=net_pcap1,tx_pcap=FOLDER/out.pcap",
        "function:first,500,@out", "writable:first", "every:first", "waits",
      ], folder: folder)
    let path = try host.running { host.path }
    let done = DispatchSemaphore(value: 0)
    Thread {
      try? FunctionPort(path: path, function: "first").serve(Forger(200))
      done.signal()
    }.start()
    let report = try #require(try host.report { $0["first"]?.forged == 100 })
    #expect(report["first"].map { [$0.received, $0.returned, UInt64($0.held)] } == [200, 100, 100])
    #expect(report.interfaces[1].sent == 100 && report.frames.free == report.frames.total - 100)
    let last = try host.stop()
    done.wait()
    #expect(last["first"]?.lost == 100)
    let expected = (0..<100).map { number in
      var bytes = TestFrame(number: number).bytes
      bytes[50] = 0xaa
      return bytes
    }
    #expect(try Capture.read(folder.appendingPathComponent("out.pcap")) == expected)
  }
}
