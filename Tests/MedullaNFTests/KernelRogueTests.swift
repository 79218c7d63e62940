import DatapathCases
import Foundation
import Glibc
import MedullaNF
import Testing

@Suite(
  "A function that means ill harms only itself", .serialized,
  .enabled(if: KernelTestHost.isUsable, KernelTestHost.reason))
struct KernelRogueTests {
  /// What must be seen of an act: frames that it forged, or words of why it was ended.
  enum Outcome: Sendable {
    case forged
    case ended(String)
    case either
    /// It never was a function, and none came.
    case nothing
  }

  private static let acts: [(String, Outcome)] = [
    ("scribble", .either), ("foreign", .forged), ("twice", .forged), ("bogus", .forged),
    ("flood", .ended("index")), ("full", .ended("receive ring")), ("wakes", .ended("gone")),
    ("mute", .nothing), ("garbage", .nothing), ("crowd", .nothing),
  ]

  private static func settings(_ ownsReceive: Bool) -> ChainSettings {
    var rogue = ChainFunction(name: "rogue")
    (rogue.quota, rogue.user, rogue.ownsReceive) = (256, FunctionProcess.user, ownsReceive)
    rogue.next = .interface(ChainCase.output)
    rogue.branches = [.function("inner"), .release]
    var victim = ChainFunction(name: "victim")
    victim.next = .function("inner")
    var inner = ChainFunction(name: "inner")
    inner.quota = 4_096
    return ChainCase.settings([rogue, victim, inner], entries: ["rogue", "victim"]) {
      $0.outputs = [ChainCase.output]
    }
  }

  @Sendable private static func frame(_ number: Int) -> TestFrame {
    TestFrame(number: number, destinationPort: 7_000 + number % 2, size: 60 + number * 37 % 1_000)
  }

  @Test("whatever it does, another's frames all come, unchanged", arguments: acts, [true, false])
  func harmless(_ act: (name: String, outcome: Outcome), _ ownsReceive: Bool) throws {
    // Without a receive ring there is none to spoil.
    guard ownsReceive || act.name != "full" else { return }
    let chain = try ChainCase(Self.settings(ownsReceive))
    let victim = FunctionThread(chain.path, "victim", expecting: Self.frame)
    let inner = FunctionThread(chain.path, "inner", expecting: Self.frame)
    #expect(chain.isPresent(["victim", "inner"]))
    let rogue = try FunctionProcess(
      "nf-rogue-function",
      [chain.path, "rogue", act.name, "1.5", "\(act.name.count + (ownsReceive ? 1 : 0))"])
    if case .nothing = act.outcome {
      usleep(100_000)
    } else {
      #expect(eventually { chain.function("rogue")?.starts == 1 })
    }
    var sent = 0
    while rogue.isRunning {
      sent += try chain.send((sent..<sent + 200).map(Self.frame), on: sent / 200 % 2)
      usleep(20_000)
    }
    rogue.kill()
    let report = try #require(chain.settled(sent: sent), "\(String(describing: chain.report))")
    try Self.check(report, act.outcome, sent)
    try Self.checkSuccessor(chain, sent)
    chain.stop()
    victim.end()
    inner.end()
    #expect(victim.seen.map(\.number) == (0..<sent + 200).filter { $0 % 2 == 1 })
    // What the rogue passes on is at least a frame, if not the right part of it.
    let passedOn = inner.seen.filter { $0.rule == 1 }
    #expect(passedOn.count == victim.count)
    let broken = (victim.seen + passedOn).filter { !$0.isWhole }
    #expect(broken.isEmpty)
  }

  private static func check(_ report: ChainReport, _ outcome: Outcome, _ sent: Int) throws {
    let (rogue, victim) = (try #require(report["rogue"]), try #require(report["victim"]))
    #expect(victim.received == sent / 2 && victim.returned == sent / 2 && victim.lastEnd == nil)
    #expect(victim.overQuota + victim.absent + victim.lost + victim.forged + victim.reclaimed == 0)
    #expect(rogue.received == rogue.returned + rogue.reclaimed + rogue.lost, "\(rogue)")
    #expect(report.frames.free + report.frames.inKernel == report.frames.total)
    switch outcome {
    case .forged: #expect(rogue.forged > 0 && rogue.starts == 1, "\(rogue)")
    case .ended(let word): #expect(rogue.lastEnd?.contains(word) == true, "\(rogue)")
    case .either: #expect(rogue.forged > 0 || rogue.lastEnd?.contains("index") == true, "\(rogue)")
    case .nothing: #expect(rogue.starts == 0 && rogue.received == 0 && rogue.absent == sent / 2, "\(rogue)")
    }
  }

  /// One of good will that comes after it gets all that is its own.
  private static func checkSuccessor(_ chain: ChainCase, _ sent: Int) throws {
    let before = try #require(chain.function("rogue"))
    let good = try FunctionProcess("nf-test-function", [chain.path, "rogue", "release"])
    #expect(chain.isPresent(["rogue"]))
    #expect(try chain.send((sent..<sent + 200).map(frame)) == 200)
    let report = try #require(chain.settled(sent: sent + 200))
    let after = try #require(report["rogue"])
    #expect(after.received - before.received == 100 && after.returned - before.returned == 100)
    good.kill()
  }
}
