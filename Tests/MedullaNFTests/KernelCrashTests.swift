import DatapathCases
import Foundation
import Glibc
import MedullaBase
import MedullaNF
import Testing

@Suite(
  "Functions that die and hosts that end", .serialized,
  .enabled(if: KernelTestHost.isUsable, KernelTestHost.reason))
struct KernelCrashTests {
  private static let names = ["first", "second", "third"]

  /// A chain of three, and one function beside it.
  private static func settings(_ ownsReceive: Bool = true, _ mode: PollMode = .yield) -> ChainSettings {
    let next: [ChainFunction.Target] = [
      .function("second"), .function("third"), .interface(ChainCase.output),
    ]
    var functions = zip(names, next).map { name, next in
      var function = ChainFunction(name: name)
      (function.quota, function.next, function.user) = (512, next, FunctionProcess.user)
      function.ownsReceive = ownsReceive
      return function
    }
    functions.append(ChainFunction(name: "other"))
    return ChainCase.settings(functions, entries: ["first", "other"]) {
      $0.outputs = [ChainCase.output]
      $0.mode = mode
    }
  }

  @Sendable private static func frame(_ number: Int) -> TestFrame {
    TestFrame(number: number, destinationPort: 7_000 + number % 2, size: 60 + number * 37 % 1_000)
  }

  private static func start(
    _ chain: ChainCase, _ name: String, _ word: String = "next", patience: Int = 0
  ) throws -> FunctionProcess {
    try FunctionProcess("nf-test-function", [chain.path, name, word, "\(patience)"])
  }

  @Test(
    "functions are killed at random under load, again and again: every frame is accounted for",
    arguments: zip([1, 2, 3] as [UInt64], [(true, PollMode.yield), (false, .yield), (true, .sleep)]))
  func killed(_ seed: UInt64, _ kind: (ownsReceive: Bool, mode: PollMode)) throws {
    var generator = SeededGenerator(seed: seed)
    let chain = try ChainCase(Self.settings(kind.ownsReceive, kind.mode))
    let other = FunctionThread(chain.path, "other", expecting: Self.frame, verdict: { _ in .release })
    var processes: [String: FunctionProcess] = [:]
    // With a batch in hand, so that there is something to take back.
    for name in Self.names { processes[name] = try Self.start(chain, name, "late") }
    #expect(chain.isPresent(Self.names + ["other"]))
    var (sent, kills) = (0, 0)
    let deadline = Date().addingTimeInterval(4)
    while Date() < deadline {
      sent += try chain.send((sent..<sent + 200).map(Self.frame), on: sent / 200 % 2)
      guard let name = Self.names.randomElement(using: &generator), generator.chance(0.5) else { continue }
      processes[name]?.kill()
      kills += 1
      sent += try chain.send((sent..<sent + 50).map(Self.frame))
      processes[name] = try Self.start(chain, name, "late")
    }
    #expect(chain.isPresent(Self.names))
    let report = try #require(chain.settled(sent: sent), "seed \(seed): \(String(describing: chain.report))")
    try Self.check(report, sent: sent, kills: kills)
    chain.stop()
    other.end()
    #expect(other.seen.map(\.number) == (0..<sent).filter { $0 % 2 == 1 }, "seed \(seed)")
    let broken = other.seen.filter { !$0.isWhole }
    #expect(broken.isEmpty, "seed \(seed)")
  }

  private static func check(_ report: ChainReport, sent: Int, kills: Int) throws {
    let functions = report.functions
    #expect(report.seen == sent && kills >= 8)
    #expect(report.frames.free + report.frames.inKernel == report.frames.total)
    // What the kernel has to fill, and no more.
    #expect(report.frames.inKernel <= 4_096 + 64)
    for function in functions {
      let back = function.returned + function.reclaimed + function.lost
      #expect(function.received == back && function.forged == 0 && function.held == 0, "\(function)")
    }
    for (from, to) in zip(functions, functions.dropFirst()).prefix(2) {
      #expect(from.returned == to.received + to.absent + to.overQuota, "\(from) \(to)")
    }
    let output = try #require(report.interfaces.last)
    #expect(functions[2].returned == output.sent + output.refused)
    #expect(functions[0].received + functions[0].absent + functions[0].overQuota == sent / 2)
    // Some were killed before they had begun.
    let ends = functions.reduce(0) { $0 + Int($1.ends) }
    #expect(ends <= kills && ends >= kills / 2)
    #expect(functions.reduce(0) { $0 + $1.reclaimed } > 0)
    #expect(functions[3].returned == sent / 2 && functions[3].ends == 0)
  }

  @Test("after its host ended a function goes on with the next; what was on its way is counted lost")
  func restarted() throws {
    let chain = try ChainCase(Self.settings())
    let processes = try Self.names.map { try Self.start(chain, $0, patience: 20) }
    // Keeps what it gets while frames flow, so that some are lost with each host.
    let other = FunctionThread(
      chain.path, "other", reattaching: .seconds(4), verdict: { $0 % 10 == 1 ? nil : .release })
    var lost: UInt64 = 0
    for round in 0..<4 {
      #expect(chain.isPresent(Self.names + ["other"]), "round \(round)")
      let sent = try chain.send((0..<400).map(Self.frame))
      // The first time nothing moves any more, then the host ends with frames on their way.
      if round == 0 { #expect(chain.settled(sent: sent, keeping: 40) != nil) }
      let last = try #require(chain.stop())
      for function in last.functions {
        #expect(function.received == function.returned + function.lost + function.reclaimed, "\(function)")
      }
      lost += last.functions.reduce(0) { $0 + $1.lost }
      if round == 0 { #expect(last["other"]?.lost == 40) }
      try chain.start(Self.settings())
    }
    #expect(chain.isPresent(Self.names + ["other"]) && lost >= 40)
    #expect(processes.allSatisfy { $0.isRunning })
    let sent = try chain.send((0..<400).map(Self.frame))
    let report = try #require(chain.settled(sent: sent, keeping: 40))
    #expect(report.functions.prefix(3).allSatisfy { $0.received == 200 && $0.returned == 200 })
    // Each tells its new host of what it lost with the old ones.
    #expect(chain.function("first")?.counters["lost"] != nil)
    chain.stop()
    other.end()
    #expect(other.error == nil)
  }

  @Test("a host takes the place of one that was killed, and not of one that lives")
  func abandoned() throws {
    let chain = try ChainCase(Self.settings())
    #expect(throws: NFError.self) { try chain.start(Self.settings()) }
    #expect(chain.report != nil)
    chain.stop()
    // What a killed host leaves: a socket that nobody listens at.
    let left = socket(AF_UNIX, Int32(SOCK_SEQPACKET.rawValue), 0)
    var address = sockaddr_un()
    address.sun_family = sa_family_t(AF_UNIX)
    withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: chain.path.utf8) }
    let status = withUnsafePointer(to: &address) { pointer in
      pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        bind(left, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
      }
    }
    #expect(status == 0)
    close(left)
    try chain.start(Self.settings())
    let other = FunctionThread(chain.path, "other")
    #expect(chain.isPresent(["other"]))
    chain.stop()
    other.end()
  }
}
