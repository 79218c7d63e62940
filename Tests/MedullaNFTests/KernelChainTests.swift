import DatapathCases
import Foundation
import Glibc
import MedullaNF
import Testing

@Suite(
  "Chains on the kernel's frames", .serialized, .enabled(if: KernelTestHost.isUsable, KernelTestHost.reason))
struct KernelChainTests {
  /// By its number a frame is for one of two entries, and has a size of its own.
  @Sendable private static func frame(_ number: Int) -> TestFrame {
    TestFrame(number: number, destinationPort: 7_000 + number % 2, size: 60 + number * 37 % 1_400)
  }

  private static func function(
    _ name: String, next: ChainFunction.Target = .release, branches: [ChainFunction.Target] = [],
    quota: Int = 2_048
  ) -> ChainFunction {
    var function = ChainFunction(name: name)
    (function.next, function.branches, function.quota) = (next, branches, quota)
    return function
  }

  @Test("through two entries, three functions, branches and an output every frame arrives once, unchanged")
  func content() throws {
    let settings = ChainCase.settings(
      [
        Self.function("first", next: .function("second"), branches: [.release, .function("third")]),
        Self.function("second", next: .function("third"), branches: [.interface(VethPair.receiver)]),
        Self.function("third", next: .interface(ChainCase.output)),
        Self.function("other", next: .interface(ChainCase.output)),
      ], entries: ["first", "other"]
    ) { $0.outputs = [ChainCase.output] }
    let chain = try ChainCase(settings)
    let sink = try chain.listen()
    // Of the even numbers: 0 is released, 2 goes past `second`, 4 back where it came from, others through
    // all.
    let verdicts: [String: @Sendable (Int) -> Verdict?] = [
      "first": { $0 % 10 == 0 ? .branch(0) : $0 % 10 == 2 ? .branch(1) : .next },
      "second": { $0 % 10 == 4 ? .branch(0) : .next }, "third": { _ in .next }, "other": { _ in .next },
    ]
    let threads = verdicts.mapValues { _ in Box<FunctionThread?>(nil) }
    for (name, verdict) in verdicts {
      threads[name]?.value = FunctionThread(chain.path, name, expecting: Self.frame, verdict: verdict)
    }
    #expect(chain.isPresent(Array(verdicts.keys)))
    let (rounds, size) = (8, 400)
    for round in 0..<rounds {
      let frames = (round * size..<(round + 1) * size).map(Self.frame)
      #expect(try chain.send(frames, on: round % 2) == size)
      #expect(chain.settled(sent: (round + 1) * size) != nil)
    }
    let report = try #require(chain.report)
    let all = 0..<rounds * size
    let arriving = all.filter { $0 % 10 != 0 && $0 % 10 != 4 }
    let found = sink.all(arriving.count)
    #expect(found == Dictionary(uniqueKeysWithValues: arriving.map { (Self.frame($0).bytes, 1) }))
    chain.stop()
    for (name, count) in [("first", 1_600), ("second", 960), ("third", 960), ("other", 1_600)] {
      let thread = try #require(threads[name]?.value)
      thread.end()
      #expect(thread.count == count && thread.seen.allSatisfy(\.isWhole), "\(name)")
      #expect(Set(thread.seen.map(\.number)).count == count, "\(name)")
      let function = try #require(report[name])
      #expect(function.received == count && function.returned == count && function.forged == 0)
      #expect(function.overQuota + function.absent + function.lost + function.reclaimed == 0)
    }
    #expect(
      report.interfaces.map(\.sent) == [320, 2_560] && report.interfaces.allSatisfy { $0.refused == 0 })
    #expect(report.frames.free + report.frames.inKernel == report.frames.total)
  }

  @Test(
    "in each mode, with a receive ring or by the host's hand, all is delivered", arguments: PollMode.allCases,
    [true, false])
  func modes(_ mode: PollMode, _ ownsReceive: Bool) throws {
    var first = Self.function("first", next: .function("second"))
    first.ownsReceive = ownsReceive
    let settings = ChainCase.settings([first, Self.function("second")], entries: ["first"]) { $0.mode = mode }
    let chain = try ChainCase(settings)
    let threads = [
      FunctionThread(chain.path, "first", expecting: { TestFrame(number: $0) }),
      FunctionThread(chain.path, "second", expecting: { TestFrame(number: $0) }),
    ]
    #expect(chain.isPresent(["first", "second"]))
    var sent = 0
    for size in [1, 300, 1, 64, 700] {
      sent += try chain.send((sent..<sent + size).map { TestFrame(number: $0) })
      #expect(chain.settled(sent: sent) != nil)
      // Long enough that who sleeps does.
      usleep(20_000)
    }
    let report = try #require(chain.report)
    #expect(sent == 1_066 && report.delivered == 1_066 && report.notTaken + report.unstamped == 0)
    chain.stop()
    for (thread, name) in zip(threads, ["first", "second"]) {
      thread.end()
      #expect(thread.seen.map(\.number) == Array(0..<sent) && thread.seen.allSatisfy(\.isWhole))
      let times = thread.seen.map(\.nanoseconds)
      #expect(times == times.sorted() && (times.first ?? 0) > 0)
      #expect(report[name]?.returned == 1_066 && report[name]?.latency != nil)
    }
  }

  @Test(
    "frames up to the memory's are whole, and longer ones are counted as lost",
    arguments: [(2_048, 1_754), (4_096, 3_200)])
  func sizes(_ frameBytes: Int, _ longest: Int) throws {
    let settings = ChainCase.settings([Self.function("first")], entries: ["first"]) {
      $0.memory.frameBytes = frameBytes
    }
    let chain = try ChainCase(settings, mtu: 3_400)
    @Sendable func frame(_ number: Int) -> TestFrame {
      TestFrame(number: number, size: [50, 60, 64, 1_514, longest - 1, longest][number % 6])
    }
    let function = FunctionThread(chain.path, "first", expecting: frame)
    #expect(chain.isPresent(["first"]))
    #expect(try chain.send((0..<60).map(frame)) == 60)
    #expect(chain.settled(sent: 60) != nil && function.count == 60)
    let isLimit = longest + PacketMemory.dataOffset == frameBytes
    let long = (0..<7).map { TestFrame(number: $0, size: isLimit ? longest + 1 + $0 : 3_414) }
    #expect(try chain.send(long) == 7)
    let report = try #require(chain.settled(sent: 67))
    let first = try #require(report["first"])
    #expect(first.lost == (isLimit ? 7 : 0) && first.received == 67 && first.returned == 67 - first.lost)
    chain.stop()
    function.end()
    #expect(function.seen.prefix(60).allSatisfy(\.isWhole) && function.count == Int(first.returned))
  }
}
