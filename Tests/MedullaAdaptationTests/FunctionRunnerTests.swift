import Foundation
import MedullaBase
import MedullaDatapath
import MedullaModel
import MedullaSnapshot
import Synchronization
import Testing

@testable import MedullaAdaptation

@Suite("A function's slow path")
struct FunctionRunnerTests {
  static func settings(shadow: ShadowSettings = .init()) -> FunctionSettings {
    FunctionSettings(
      name: "fake", function: "packet",
      values: ["program": .text("f.bpf.c"), "hook": .text("tc:lo:ingress")], bundle: "b",
      interval: .milliseconds(5), adapter: .supervised(.init()),
      gates: GateSettings(
        stability: .init(window: 2, range: 10), necessity: .init(statistic: .mean, alpha: 0.01),
        accuracy: .init(maxError: 0.05), updateInterval: .milliseconds(200)),
      shadow: shadow,
      watch: WatchSettings(
        window: .milliseconds(400), loss: 0.05, significance: 0.01, backOff: .seconds(60), outcome: 1))
  }

  static let samples: [[Float]] = {
    var generator = SeededGenerator(seed: 21)
    return (0..<200).map { _ in
      [Float.random(in: -1...1, using: &generator), Float.random(in: -1...1, using: &generator)]
    }
  }()

  /// A runner over a fake fast path whose network answers as a network of seed `seed` does.
  struct Host {
    let fastPath: FakeFastPath
    let records = RecordBook()
    let runner: FunctionRunner

    init(
      _ settings: FunctionSettings = FunctionRunnerTests.settings(), start: Network? = nil,
      isForeign: Bool = false, batches: [BatchStatistics] = [],
      adapter: (Network) throws -> (any Adapter)?
    ) throws {
      let network = try start ?? LearningCases.network([2, 8, 1], seed: 9)
      let snapshot = try Quantizer().quantize(network, Calibration(samples: FunctionRunnerTests.samples))
      fastPath = FakeFastPath(snapshot)
      let records = records
      runner = try FunctionRunner(
        settings: settings, fastPath: fastPath, adapter: adapter(network),
        start: StartNetwork(network: network, samples: FunctionRunnerTests.samples, shape: snapshot.shape),
        isForeign: isForeign,
        journal: RunnerJournal(record: { records.add($0) }, batches: { _, _ in batches }))
    }
  }

  /// x − y, as a network of the usual shape cannot fail to give it.
  static func answer(_ scale: Float) throws -> Network {
    try Network(
      name: "answer", inputShape: TensorShape([2]),
      layers: [.dense(Dense(inputs: 2, outputs: 1, weights: [scale, -scale], bias: [0]))])
  }

  @Test("a network that learns from live samples is promoted, watched, accepted, and better")
  func learns() throws {
    let host = try Host { network in
      try SupervisedAdapter(network: network, settings: .init(targetScale: 1000, rate: 0.01, steps: 20))
    }
    host.runner.start()
    defer { host.runner.stop() }
    let accepted = eventually(within: 30) {
      host.records.of("verdict").contains {
        if case .verdict(let verdict) = $0 { verdict.outcome == .accepted } else { false }
      }
    }
    #expect(accepted)
    #expect(host.records.of("rollback").isEmpty)
    let state = host.runner.snapshot()
    #expect(state.promotions >= 1 && state.rounds > 2 && state.samples > 100)
    #expect(state.gates.map(\.gate) == [.stability, .necessity, .accuracy, .time])
    let before = host.records.all.compactMap { record -> StagedCandidate? in
      if case .staged(let candidate) = record { candidate } else { nil }
    }
    #expect(before.first?.matchesShape == true)
    let answers = try host.fastPath.query([[0.8, -0.2]])
    #expect(abs(answers[0][0] - 1) < 0.5)
  }

  @Test("a candidate that does worse is rolled back by the watch, and the next try waits")
  func rollsBack() throws {
    let host = try Host(start: Self.answer(1)) { _ in ScriptedAdapter(try Self.answer(-1)) }
    host.runner.start()
    defer { host.runner.stop() }
    #expect(eventually { !host.records.of("rollback").isEmpty })
    guard case .verdict(let verdict)? = host.records.of("verdict").first,
      case .rollback(let rollback)? = host.records.of("rollback").first
    else {
      Issue.record("\(host.records.all)")
      return
    }
    #expect(verdict.outcome == .worse && verdict.comparison == .beforeAfter)
    #expect(try #require(verdict.probability) < 0.0025)
    #expect(rollback == RollbackRecord(from: 2, to: 1, isAutomatic: true, backOffSeconds: 60))
    #expect(try host.fastPath.activeVersion() == 1)
    #expect(eventually { (host.runner.snapshot().waitSeconds ?? 0) > 30 })
    #expect(host.runner.snapshot().rollbacks == 1)
  }

  @Test("a candidate that answers too differently in the shadow never acts")
  func shadow() throws {
    let shadow = ShadowSettings(every: 1, decisions: 50, maxDifference: 0.2)
    let host = try Host(Self.settings(shadow: shadow), start: Self.answer(1)) { _ in
      ScriptedAdapter(try Self.answer(-1))
    }
    host.runner.start()
    defer { host.runner.stop() }
    #expect(eventually { !host.records.of("shadow").isEmpty })
    guard case .shadow(let result)? = host.records.of("shadow").first else { return }
    #expect(!result.passed && result.decisions >= 50 && result.meanDifference > 0.2)
    #expect(host.records.of("promotion").isEmpty)
    #expect(eventually { host.fastPath.state.withLock { $0.staged == nil && $0.shadowEvery == nil } })
  }

  @Test("a candidate that answers alike passes the shadow and acts")
  func shadowPasses() throws {
    let shadow = ShadowSettings(every: 1, decisions: 50, maxDifference: 0.2)
    let host = try Host(Self.settings(shadow: shadow), start: Self.answer(1)) { _ in
      ScriptedAdapter(try Self.answer(0.9))
    }
    host.runner.start()
    defer { host.runner.stop() }
    #expect(eventually { !host.records.of("promotion").isEmpty })
    guard case .shadow(let result)? = host.records.of("shadow").first else {
      Issue.record("\(host.records.all)")
      return
    }
    #expect(result.passed && result.meanDifference < 0.2)
    #expect(host.fastPath.state.withLock { $0.shadowEvery } == nil)
  }

  @Test("an adapter that fails is recorded once and asked less often; draining goes on")
  func failing() throws {
    struct Broken: Error {}
    let calls = Mutex(0)
    let host = try Host { network in
      ScriptedAdapter(network) {
        calls.withLock { $0 += 1 }
        throw Broken()
      }
    }
    host.runner.start()
    #expect(eventually { host.runner.snapshot().batches > 60 })
    host.runner.stop()
    #expect(calls.withLock { $0 } <= 2)
    #expect(host.records.of("failure").count == 1)
    #expect(host.runner.snapshot().failures >= 1)
    #expect(host.records.of("promotion").isEmpty)
  }

  @Test("a value that is no number counts as a failure")
  func notANumber() throws {
    let host = try Host { ScriptedAdapter($0) { .nan } }
    host.runner.start()
    defer { host.runner.stop() }
    #expect(eventually { host.runner.snapshot().failures > 0 })
    #expect(host.runner.snapshot().rounds == 0)
  }

  @Test("a long round delays neither the draining nor a rollback")
  func longRound() throws {
    let gate = DispatchSemaphore(value: 0)
    let watched = Mutex<FakeFastPath?>(nil)
    let host = try Host(start: Self.answer(1)) { _ in
      ScriptedAdapter(try Self.answer(-1)) {
        // From the promotion on, rounds take until the end of the test.
        if let path = watched.withLock({ $0 }), path.state.withLock({ $0.before != nil }) { gate.wait() }
        return 1
      }
    }
    watched.withLock { $0 = host.fastPath }
    host.runner.start()
    #expect(eventually { !host.records.of("rollback").isEmpty })
    let drains = host.fastPath.state.withLock { $0.drains }
    #expect(eventually { host.fastPath.state.withLock { $0.drains } > drains + 20 })
    for _ in 0..<100 { gate.signal() }
    host.runner.stop()
  }

  @Test("a step of the fast path that fails is recorded, and the slow path goes on")
  func refusing() throws {
    let host = try Host(start: Self.answer(1)) { _ in ScriptedAdapter(try Self.answer(0.9)) }
    host.fastPath.fail(.stage)
    host.fastPath.fail(.drain)
    host.runner.start()
    defer { host.runner.stop() }
    #expect(eventually { host.runner.snapshot().failures > 0 })
    host.fastPath.fail(.drain, false)
    #expect(eventually { host.runner.snapshot().lastFailure?.hasPrefix("stage") == true })
    #expect(host.runner.snapshot().promotions == 0)
    host.fastPath.fail(.stage, false)
    #expect(eventually { host.runner.snapshot().promotions == 1 })
  }

  @Test("while the function is detached the loop lives on, and says so by its ticks alone")
  func detached() throws {
    let host = try Host(start: Self.answer(1)) { _ in ScriptedAdapter(try Self.answer(1)) }
    host.fastPath.fail(.drain)
    host.runner.start()
    defer { host.runner.stop() }
    #expect(eventually { host.runner.snapshot().ticks > 20 })
    #expect(host.runner.snapshot().batches == 0)
    #expect(host.records.of("failure").count == 1)
  }

  @Test("paused it drains but does not learn; a forced promotion and a rollback do as told")
  func commands() throws {
    var settings = Self.settings()
    settings.gates.necessity.alpha = 10
    let host = try Host(settings, start: Self.answer(1)) { _ in ScriptedAdapter(try Self.answer(0.95)) }
    host.runner.command(.pause)
    #expect(!host.runner.command(.pause).isDone, "before the start there is nobody to hear it")
    host.runner.start()
    #expect(host.runner.command(.pause).isDone)
    #expect(eventually { host.runner.snapshot().isPaused })
    let rounds = host.runner.snapshot().rounds
    let batches = host.runner.snapshot().batches
    #expect(eventually { host.runner.snapshot().batches > batches + 20 })
    #expect(host.runner.snapshot().rounds <= rounds + 1)
    #expect(host.runner.command(.resume).isDone && host.runner.command(.promote).isDone)
    #expect(eventually { host.runner.snapshot().promotions == 1 })
    #expect(host.runner.command(.rollback).isDone)
    #expect(eventually { host.runner.snapshot().rollbacks == 1 })
    host.runner.stop()
    #expect(!host.runner.command(.resume).isDone)
    guard case .rollback(let rollback)? = host.records.of("rollback").first else { return }
    #expect(!rollback.isAutomatic)
  }

  @Test("without an adapter it only drains and counts")
  func none() throws {
    let host = try Host { _ in nil }
    host.runner.start()
    #expect(eventually { host.runner.snapshot().samples > 100 })
    #expect(!host.runner.command(.promote).isDone)
    #expect(eventually { host.runner.snapshot().failures == 1 })
    host.runner.stop()
    host.runner.stop()
    #expect(!host.runner.snapshot().isRunning)
  }

  @Test("stopping waits for the round and closes the adapter, also when it never began")
  func stopping() throws {
    let adapter = ScriptedAdapter(try Self.answer(1)) {
      Thread.sleep(forTimeInterval: 0.3)
      return 1
    }
    let host = try Host(start: Self.answer(1)) { _ in adapter }
    host.runner.start()
    #expect(eventually { host.runner.snapshot().batches > 3 })
    host.runner.stop()
    #expect(adapter.isClosed.withLock { $0 })
    let idle = ScriptedAdapter(try Self.answer(1))
    try Host(start: Self.answer(1)) { _ in idle }.runner.stop()
    #expect(idle.isClosed.withLock { $0 })
  }

  @Test("an adapter or settings of other sizes are refused")
  func sizes() throws {
    #expect(throws: AdaptationError.self) {
      try Host { _ in ScriptedAdapter(try LearningCases.network([3, 4, 1])) }
    }
    var settings = Self.settings()
    settings.gates.necessity.outputs = [0...1, 0...1]
    #expect(throws: AdaptationError.self) { try Host(settings) { _ in nil } }
    settings = Self.settings()
    settings.interval = .microseconds(500)
    #expect(throws: AdaptationError.self) { try Host(settings) { _ in nil } }
  }

  @Test("a network of another shape becomes a program of its own")
  func otherShape() throws {
    let network = try LearningCases.network([2, 8, 1])
    let snapshot = try Quantizer().quantize(network, Calibration(samples: Self.samples))
    let start = try StartNetwork(network: network, samples: Self.samples, shape: snapshot.shape)
    let maker = CandidateMaker(start, keepsRanges: true)
    #expect(try maker.make(LearningCases.network([2, 8, 1], seed: 5), live: []).matchesShape)
    let other = try maker.make(LearningCases.network([2, 9, 1]), live: Self.samples)
    #expect(!other.matchesShape && other.error < 0.01)
    #expect(throws: AdaptationError.self) { try maker.make(LearningCases.network([3, 9, 1]), live: []) }
  }

  @Test("what waits for a slow adapter is merged up to a limit, then the oldest goes and is counted")
  func queue() {
    var queue = BatchQueue(limit: 100)
    for batch in LearningCases.labeled(batches: 5, samples: 30) { queue.append(batch) }
    #expect(queue.count == 100 && queue.discarded == 50)
    let taken = queue.take()
    #expect(taken?.samples.count == 100 && queue.count == 0)
    #expect(taken?.samples.last == LearningCases.labeled(batches: 5, samples: 30).last?.samples.last)
    queue.append(Batch(samples: taken?.samples ?? [], dropped: 3))
    var other = LearningCases.labeled(batches: 1, samples: 2)[0]
    other.featureFractionBits = 8
    queue.append(other)
    #expect(queue.count == 2 && queue.discarded == 150)
  }

  @Test("a drain is added to what waits without copying it")
  func queueGrowsInPlace() throws {
    var queue = BatchQueue(limit: 10_000)
    let drains = LearningCases.labeled(batches: 64, samples: 1)
    var moves = 0
    for drain in drains {
      let before = queue.waiting?.samples.withUnsafeBufferPointer(\.baseAddress)
      queue.append(drain)
      if before != queue.waiting?.samples.withUnsafeBufferPointer(\.baseAddress) { moves += 1 }
    }
    // An array that doubles moves seven times on the way to 64; one that is copied moves each time.
    #expect(moves <= 10, "\(moves) moves")
  }
}
