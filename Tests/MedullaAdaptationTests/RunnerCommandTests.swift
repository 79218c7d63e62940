import MedullaBase
import MedullaDatapath
import MedullaModel
import MedullaSnapshot
import Synchronization
import Testing

@testable import MedullaAdaptation

@Suite("What people and others do to a slow path at work")
struct RunnerCommandTests {
  typealias Host = FunctionRunnerTests.Host

  private static func host(
    _ settings: FunctionSettings = FunctionRunnerTests.settings(), isForeign: Bool = false
  ) throws -> Host {
    try Host(settings, start: FunctionRunnerTests.answer(1), isForeign: isForeign) { _ in
      ScriptedAdapter(try FunctionRunnerTests.answer(0.9))
    }
  }

  private static func slot(_ version: UInt64, _ scale: Float) throws -> FakeFastPath.Slot {
    let snapshot = try Quantizer().quantize(
      FunctionRunnerTests.answer(scale), Calibration(samples: FunctionRunnerTests.samples))
    return FakeFastPath.Slot(version: version, interpreter: ReferenceInterpreter(snapshot))
  }

  @Test("while a candidate of another shape compiles and loads, samples are drained")
  func longStage() throws {
    let host = try Self.host()
    host.fastPath.state.withLock { $0.stageTime = 1.5 }
    host.runner.start()
    defer { host.runner.stop() }
    #expect(eventually { host.runner.snapshot().phase == .staging })
    let drains = host.fastPath.state.withLock { $0.drains }
    #expect(eventually(within: 1) { host.fastPath.state.withLock { $0.drains } > drains + 40 })
    #expect(host.runner.snapshot().phase == .staging)
    #expect(eventually { host.runner.snapshot().promotions == 1 })
  }

  @Test("a pause stops an update that is under way, and what it had staged goes", arguments: [true, false])
  func pause(inShadow: Bool) throws {
    let shadow = ShadowSettings(every: inShadow ? 1 : 0, decisions: 1_000_000)
    let host = try Self.host(FunctionRunnerTests.settings(shadow: shadow))
    host.fastPath.state.withLock { $0.stageTime = inShadow ? 0 : 0.5 }
    host.runner.start()
    defer { host.runner.stop() }
    #expect(eventually { host.runner.snapshot().phase == (inShadow ? .shadowing : .staging) })
    #expect(host.runner.command(.pause) == .done("paused; the update under way was given up"))
    #expect(eventually { host.fastPath.state.withLock { $0.calls.contains("discard") } })
    #expect(eventually { host.fastPath.state.withLock { $0.staged == nil && $0.shadowEvery == nil } })
    let drains = host.fastPath.state.withLock { $0.drains }
    #expect(eventually { host.fastPath.state.withLock { $0.drains } > drains + 60 })
    #expect(host.runner.snapshot().promotions == 0 && host.runner.snapshot().phase == .learning)
    guard case .refused(let reason) = host.runner.command(.promote) else {
      Issue.record("a paused slow path promotes")
      return
    }
    #expect(reason.contains("medulla resume"))
    #expect(host.runner.command(.resume) == .done("resumed"))
    #expect(eventually { host.fastPath.state.withLock { $0.drains } > drains + 80 })
  }

  @Test("what someone else has put in place stays until `resume`, though a better candidate waits")
  func pinned() throws {
    var settings = FunctionRunnerTests.settings()
    settings.gates.updateInterval = .milliseconds(300)
    settings.gates.necessity.alpha = 0.1
    let host = try Self.host(settings)
    host.runner.start()
    defer { host.runner.stop() }
    #expect(eventually { host.runner.snapshot().activeVersion == 1 })
    let theirs = try Self.slot(7, -1)
    host.fastPath.state.withLock { ($0.before, $0.active, $0.nextVersion) = ($0.active, theirs, 8) }
    #expect(eventually { host.runner.snapshot().pinnedVersion == 7 })
    let rounds = host.runner.snapshot().rounds
    #expect(eventually { host.runner.snapshot().rounds > rounds + 60 })
    #expect(try host.fastPath.activeVersion() == 7)
    #expect(host.records.of("pin") == [.pin(PinRecord(version: 7, before: 1))])
    #expect(
      host.runner.command(.resume)
        == .done("resumed; snapshot 7 from outside may be replaced again"))
    #expect(eventually { host.runner.snapshot().activeVersion ?? 0 > 7 }, "\(host.records.all.suffix(6))")
    #expect(host.runner.snapshot().pinnedVersion == nil)
  }

  @Test("what was put in place while nobody looked stays too")
  func foreign() throws {
    let host = try Self.host(isForeign: true)
    host.runner.start()
    defer { host.runner.stop() }
    #expect(eventually { host.runner.snapshot().pinnedVersion == 1 })
    #expect(eventually { host.runner.snapshot().rounds > 80 })
    #expect(host.runner.snapshot().promotions == 0)
  }

  @Test("a watch that was cut off goes on by the rewards that were written down")
  func writtenDown() throws {
    var settings = FunctionRunnerTests.settings()
    settings.gates.necessity.alpha = 10
    settings.watch.window = .seconds(2)
    let host = try Host(
      settings, start: FunctionRunnerTests.answer(1),
      batches: (0..<12).map { index in
        BatchStatistics(
          seconds: 1, batches: 1, samples: 100, flows: 8, dropped: 0, discarded: 0,
          rewardMean: 990 + Double(index % 3))
      }
    ) { ScriptedAdapter($0) }
    let bad = try Self.slot(2, -1)
    // No flow keeps the old version: there is nothing beside it.
    host.fastPath.state.withLock { state in
      (state.before, state.active) = (state.active, bad)
      state.change = ActiveChange(version: 2, before: 1, nanoseconds: MonotonicClock.nanoseconds)
    }
    host.runner.start()
    defer { host.runner.stop() }
    #expect(eventually { !host.records.of("rollback").isEmpty }, "\(host.records.of("verdict"))")
    guard case .verdict(let verdict)? = host.records.of("verdict").first else { return }
    #expect(verdict.outcome == .worse && verdict.comparison == .beforeAfter)
  }

  @Test("necessity is asked of the batch that was learned from, or of the last inputs where that is wanted")
  func necessityInputs() throws {
    for (over, largest) in [(GateSettings.Necessity.Inputs.batch, 200), (.recent, 256)] {
      var settings = FunctionRunnerTests.settings()
      settings.gates.necessity = .init(statistic: .minimum, over: over, alpha: 10)
      settings.gates.updateInterval = .zero
      let host = try Self.host(settings)
      host.runner.start()
      #expect(eventually { host.runner.snapshot().samples > 1_200 })
      #expect(eventually { host.runner.snapshot().gates.contains { $0.gate == .necessity } })
      let count = host.runner.snapshot().gates.first { $0.gate == .necessity }?.evidence.count ?? 0
      #expect(over == .recent ? count == largest : count > 0 && count < largest, "\(over) \(count)")
      host.runner.stop()
    }
  }
}
