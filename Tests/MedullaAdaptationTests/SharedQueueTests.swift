import MedullaDatapath
import Testing

@testable import MedullaAdaptation

/// Flows of both versions meet in one queue: what the new one does to it, it does to all.
@Suite("A promotion among flows that share a queue")
struct SharedQueueTests {
  typealias Host = FunctionRunnerTests.Host

  private static func settings() -> FunctionSettings {
    var settings = FunctionRunnerTests.settings()
    settings.gates.necessity.alpha = 0
    settings.watch.backOff = .seconds(60)
    return settings
  }

  private static func verdicts(_ host: Host) -> [WatchVerdict] {
    host.records.all.compactMap { if case .verdict(let verdict) = $0 { verdict } else { nil } }
  }

  @Test("a network that fills the queue for all is not accepted: it is taken back, and the rewards recover")
  func harm() throws {
    let host = try Host(Self.settings(), start: FunctionRunnerTests.answer(1)) { _ in
      ScriptedAdapter(try FunctionRunnerTests.answer(-1))
    }
    host.fastPath.state.withLock { ($0.hasQueue, $0.keepsFlows) = (true, true) }
    host.runner.start()
    defer { host.runner.stop() }
    #expect(eventually { (host.runner.snapshot().waitSeconds ?? 0) > 30 }, "\(Self.verdicts(host))")
    #expect(!Self.verdicts(host).contains { $0.outcome == .accepted })
    #expect(Self.verdicts(host).last?.outcome == .worse)
    #expect(try host.fastPath.activeVersion() == 1)
  }

  @Test("when it is the network beneath that fell, the candidate is tried again and stays")
  func change() throws {
    let host = try Host(Self.settings(), start: FunctionRunnerTests.answer(1)) { _ in
      ScriptedAdapter(try FunctionRunnerTests.answer(0.9))
    }
    host.fastPath.state.withLock { ($0.hasQueue, $0.keepsFlows, $0.fallsAtPromotion) = (true, true, true) }
    host.runner.start()
    defer { host.runner.stop() }
    #expect(eventually { Self.verdicts(host).contains { $0.outcome == .accepted } }, "\(host.records.all)")
    let verdicts = Self.verdicts(host)
    #expect(verdicts.first?.outcome != .accepted && host.runner.snapshot().promotions >= 2)
    #expect(!verdicts.contains { $0.outcome == .worse })
  }
}
