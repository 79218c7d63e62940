import Foundation
import MedullaBase
import MedullaDatapath
import MedullaModel
import MedullaSnapshot
import Synchronization
import Testing

@testable import MedullaAdaptation

@Suite("A slow path over what others left or change")
struct RunnerTakeoverTests {
  typealias Host = FunctionRunnerTests.Host

  private static func slot(_ version: UInt64, _ scale: Float) throws -> FakeFastPath.Slot {
    let snapshot = try Quantizer().quantize(
      FunctionRunnerTests.answer(scale), Calibration(samples: FunctionRunnerTests.samples))
    return FakeFastPath.Slot(version: version, interpreter: ReferenceInterpreter(snapshot))
  }

  /// Never opens the gates by itself.
  private static func quiet(shadow: ShadowSettings = .init(), updateInterval: Duration = .milliseconds(200))
    -> FunctionSettings
  {
    var settings = FunctionRunnerTests.settings(shadow: shadow)
    settings.gates.necessity.alpha = 10
    settings.gates.updateInterval = updateInterval
    return settings
  }

  private static func now() -> UInt64 { UInt64(MonotonicClock.now.seconds * 1e9) }

  @Test("a shadow that was left on is switched off, and what was staged is given up")
  func leftovers() throws {
    let host = try Host(Self.quiet(), start: FunctionRunnerTests.answer(1)) {
      ScriptedAdapter($0)
    }
    let staged = try Self.slot(2, 0.5)
    host.fastPath.state.withLock { ($0.staged, $0.shadowEvery) = (staged, 4) }
    host.runner.start()
    defer { host.runner.stop() }
    #expect(eventually { host.runner.snapshot().batches > 3 })
    let state = host.fastPath.state.withLock { $0 }
    #expect(state.staged == nil && state.shadowEvery == nil)
    #expect(Array(state.calls.prefix(2)) == ["shadow", "discard"])
    #expect(host.records.of("failure").isEmpty)
  }

  @Test("what is staged is given up also where its shadow cannot be ended")
  func stuckShadow() throws {
    let fastPath = FakeFastPath(try Self.slot(1, 1).interpreter.snapshot)
    let staged = try Self.slot(2, 0.5)
    fastPath.state.withLock { ($0.staged, $0.shadowEvery) = (staged, 4) }
    fastPath.fail(.shadow)
    let carrier = ActionCarrier(fastPath, settings: Self.quiet(), journal: RunnerJournal { _ in })
    #expect(throws: FakeFastPath.Refusal.self) { try carrier.clear() }
    #expect(fastPath.state.withLock { $0.staged } == nil)
  }

  @Test("without an adapter what someone has staged stays staged")
  func othersCandidate() throws {
    let host = try Host(start: FunctionRunnerTests.answer(1)) { _ in nil }
    let staged = try Self.slot(2, 0.5)
    host.fastPath.state.withLock { ($0.staged, $0.shadowEvery) = (staged, 4) }
    host.runner.start()
    #expect(eventually { host.runner.snapshot().batches > 3 })
    host.runner.stop()
    #expect(host.fastPath.state.withLock { $0.staged != nil && $0.shadowEvery == 4 })
  }

  @Test("a bad snapshot whose watch was cut off by kill -9 is rolled back by the next slow path")
  func watchedOn() throws {
    let host = try Host(Self.quiet(), start: FunctionRunnerTests.answer(1)) { ScriptedAdapter($0) }
    let bad = try Self.slot(2, -1)
    host.fastPath.state.withLock { state in
      (state.before, state.active, state.keepsFlows) = (state.active, bad, true)
      state.change = ActiveChange(version: 2, before: 1, nanoseconds: Self.now())
    }
    host.runner.start()
    defer { host.runner.stop() }
    #expect(eventually { !host.records.of("rollback").isEmpty })
    #expect(
      host.records.of("rollback")
        == [.rollback(RollbackRecord(from: 2, to: 1, isAutomatic: true, backOffSeconds: 60))])
    guard case .verdict(let verdict)? = host.records.of("verdict").first else { return }
    #expect(verdict.outcome == .worse && verdict.comparison == .sideBySide)
    #expect(try host.fastPath.activeVersion() == 1)
  }

  @Test("the wait after a rollback goes on over a restart")
  func backOff() throws {
    let host = try Host(start: FunctionRunnerTests.answer(1)) { _ in
      ScriptedAdapter(try FunctionRunnerTests.answer(-1))
    }
    host.fastPath.state.withLock { $0.change = ActiveChange(version: 1, before: 2, nanoseconds: Self.now()) }
    host.runner.start()
    defer { host.runner.stop() }
    #expect(eventually { host.runner.snapshot().rounds > 5 })
    #expect(try #require(host.runner.snapshot().waitSeconds) > 30)
    #expect(host.records.of("staged").isEmpty)
  }

  @Test("a rollback by someone else is recorded with the version that it went to, and the next try waits")
  func foreignReturn() throws {
    // Old enough for no version to be the one that the loop would have gone back to by itself.
    let host = try Host(Self.quiet(), start: FunctionRunnerTests.answer(1)) { ScriptedAdapter($0) }
    let active = try Self.slot(9, 1)
    host.fastPath.state.withLock { $0.active = active }
    host.runner.start()
    defer { host.runner.stop() }
    #expect(eventually { host.runner.snapshot().activeVersion == 9 })
    let older = try Self.slot(4, 1)
    host.fastPath.state.withLock { $0.active = older }
    #expect(eventually { !host.records.of("rollback").isEmpty })
    #expect(
      host.records.of("rollback")
        == [.rollback(RollbackRecord(from: 9, to: 4, isAutomatic: false, backOffSeconds: 60))])
    #expect(eventually { (host.runner.snapshot().waitSeconds ?? 0) > 30 })
    #expect(!host.fastPath.state.withLock { $0.calls.contains("rollback") })
  }

  @Test("a rollback is refused when someone promoted meanwhile, and theirs stays")
  func changedMeanwhile() throws {
    let host = try Host(Self.quiet(), start: FunctionRunnerTests.answer(1)) { ScriptedAdapter($0) }
    host.runner.start()
    defer { host.runner.stop() }
    #expect(eventually { host.runner.snapshot().activeVersion == 1 })
    let theirs = try Self.slot(7, 1)
    host.fastPath.state.withLock { ($0.before, $0.active) = ($0.active, theirs) }
    host.runner.command(.rollback)
    #expect(eventually { host.runner.snapshot().activeVersion == 7 })
    #expect(host.records.of("failure").contains { "\($0)".contains("version 7 is active, not 1") })
    #expect(try host.fastPath.activeVersion() == 7)
    #expect(eventually { host.runner.snapshot().phase == .learning })
    #expect(host.runner.snapshot().rollbacks == 0 && host.records.of("rollback").isEmpty)
  }

  @Test("what is attached anew is no return to an older version")
  func attachedAnew() throws {
    let host = try Host(Self.quiet(), start: FunctionRunnerTests.answer(1)) { ScriptedAdapter($0) }
    let (active, anew) = (try Self.slot(9, 1), try Self.slot(1, 1))
    host.fastPath.state.withLock { $0.active = active }
    host.runner.start()
    defer { host.runner.stop() }
    #expect(eventually { host.runner.snapshot().activeVersion == 9 })
    host.fastPath.state.withLock { ($0.active, $0.isNew) = (anew, true) }
    #expect(eventually { host.runner.snapshot().activeVersion == 1 })
    #expect(host.records.of("rollback").isEmpty && host.runner.snapshot().rollbacks == 0)
  }

  /// x − y by two hidden units: another shape than `answer`, the same values.
  private static func otherShape() throws -> Network {
    try Network(
      name: "wide", inputShape: TensorShape([2]),
      layers: [
        .dense(Dense(inputs: 2, outputs: 2, weights: [1, -1, -1, 1], bias: [0, 0])), .activation(.relu),
        .dense(Dense(inputs: 2, outputs: 1, weights: [1, -1], bias: [0])),
      ])
  }

  @Test("a candidate of another shape acts without a shadow, which is said; the next matches the new shape")
  func shapes() throws {
    let settings = Self.quiet(shadow: ShadowSettings(every: 1, decisions: 20, maxDifference: 0.2))
    let host = try Host(settings, start: FunctionRunnerTests.answer(1)) { _ in
      ScriptedAdapter(try Self.otherShape())
    }
    host.runner.start()
    defer { host.runner.stop() }
    #expect(eventually { host.runner.snapshot().rounds > 1 })
    for count in 1...2 {
      #expect(eventually { host.runner.snapshot().phase == .learning })
      host.runner.command(.promote)
      #expect(eventually { host.records.of("promotion").count == count }, "\(host.records.of("failure"))")
      #expect(eventually { host.records.of("verdict").count == count })
    }
    let staged = host.records.all.compactMap { if case .staged(let staged) = $0 { staged } else { nil } }
    #expect(staged.map(\.matchesShape) == [false, true])
    let shadows = host.records.all.compactMap { if case .shadow(let shadow) = $0 { shadow } else { nil } }
    #expect(shadows.map(\.passed) == [true, true])
    #expect(shadows.first?.decisions == 0)
    #expect(shadows.first?.reason.contains("without a shadow") == true)
    #expect((shadows.last?.decisions ?? 0) >= 20)
    #expect(host.records.of("rollback").isEmpty)
  }

  @Test("samples of a round that failed are counted as not learned from")
  func failedRound() throws {
    struct Broken: Error {}
    let seen = Mutex(0)
    let host = try Host(Self.quiet(), start: FunctionRunnerTests.answer(1)) { network in
      ScriptedAdapter(network) {
        seen.withLock { $0 += 1 }
        throw Broken()
      }
    }
    host.runner.start()
    defer { host.runner.stop() }
    #expect(eventually { host.runner.snapshot().discarded > 0 })
    #expect(seen.withLock { $0 } == 1)
    // What comes while it is not asked waits.
    #expect(eventually { host.runner.snapshot().queued > 0 })
  }

  @Test("an adapter that is still starting loses no sample and is not held to have failed")
  func starting() throws {
    let calls = Mutex(0)
    let host = try Host(Self.quiet(), start: FunctionRunnerTests.answer(1)) { network in
      ScriptedAdapter(network) {
        let count = calls.withLock { calls in
          calls += 1
          return calls
        }
        guard count > 3 else { throw AdapterFailure(.starting, "the adapter is still starting") }
        return 1
      }
    }
    host.runner.start()
    defer { host.runner.stop() }
    // Doubling waits of 1, 2 and 4 s would take 7 s.
    #expect(eventually(within: 60) { host.runner.snapshot().rounds > 0 })
    let state = host.runner.snapshot()
    #expect(state.discarded == 0 && state.failures == 0)
    #expect(host.records.of("failure").isEmpty)
    guard case .progress(let first)? = host.records.of("progress").first else { return }
    #expect(first.samples > 100, "all that came meanwhile")
  }

  @Test("waiting for an adapter does not back off; failing does, up to a limit")
  func waits() {
    var backOff = AdapterBackOff()
    var now = Duration.zero
    for _ in 0..<5 {
      backOff.noteWaiting(at: now)
      #expect(!backOff.allows(at: now + .milliseconds(999)))
      now += .seconds(1)
      #expect(backOff.allows(at: now))
    }
    for wait in [1, 2, 4, 8, 16, 32, 60, 60] {
      backOff.noteFailure(at: now)
      #expect(!backOff.allows(at: now + .seconds(wait) - .milliseconds(1)))
      now += .seconds(wait)
      #expect(backOff.allows(at: now))
    }
    backOff.noteSuccess()
    backOff.noteFailure(at: now)
    #expect(backOff.allows(at: now + .seconds(1)))
  }

  @Test("what is put back comes before what came since, within the limit")
  func putBack() {
    let batches = LearningCases.labeled(batches: 3, samples: 30)
    var queue = BatchQueue(limit: 70)
    queue.append(batches[0])
    guard let taken = queue.take() else { return }
    queue.append(batches[1])
    queue.putBack(taken)
    #expect(queue.waiting?.samples == batches[0].samples + batches[1].samples && queue.discarded == 0)
    queue.append(batches[2])
    #expect(queue.count == 70 && queue.discarded == 20)
    queue.noteLost(batches[0])
    #expect(queue.discarded == 50)
  }
}
