import Foundation
import MedullaBase
import Synchronization
import Testing

@testable import MedullaAdaptation

@Suite("What stands before learning")
struct TriggerTests {
  @Test("without another word every batch is learned from")
  func everyBatch() {
    var trigger = FunctionSettings(name: "f", bundle: "b").trigger.trigger
    for second in 0..<5 { #expect(trigger.decide(at: .seconds(second)).isOpen) }
  }

  @Test("a schedule is open for its rounds once in its interval, the first time when one is over")
  func schedule() {
    var trigger = ScheduleTrigger(every: .seconds(10), rounds: 2)
    let open = (0..<35).map { second in
      let isOpen = trigger.decide(at: .seconds(second)).isOpen
      if isOpen { trigger.hear(.round, at: .seconds(second)) }
      return isOpen
    }
    #expect(open.indices.filter { open[$0] } == [10, 11, 20, 21, 30, 31])
    let decision = trigger.decide(at: .seconds(35))
    #expect(decision.evidence.value == 5 && decision.evidence.threshold == 10)
    #expect(decision.evidence.unit == .seconds)
  }

  /// Two features; the second is moved by so many of its standard deviations.
  private func inputs(_ count: Int, moved: Float, seed: UInt64) -> [[Float]] {
    var generator = SeededGenerator(seed: seed)
    return (0..<count).map { _ in
      let sum = (0..<12).reduce(Float(-6)) { sum, _ in sum + Float.random(in: 0...1, using: &generator) }
      return [Float.random(in: 0...1, using: &generator), sum + moved]
    }
  }

  @Test("drift is open for its rounds when a feature has moved, says which, and then knows the new place")
  func drift() throws {
    var trigger = DriftTrigger(.init(threshold: 0.25, window: 500), rounds: 3)
    func feed(_ moved: Float, _ seed: UInt64) -> Bool {
      trigger.hear(.inputs(inputs(500, moved: moved, seed: seed)), at: .zero)
      return trigger.decide(at: .zero).isOpen
    }
    let atFirst = trigger.decide(at: .zero)
    #expect(!atFirst.isOpen && atFirst.evidence.value == nil)
    for seed in 1...6 {
      let isOpen = feed(0, UInt64(seed))
      #expect(!isOpen)
    }
    let moved = feed(1, 9)
    #expect(moved)
    let decision = trigger.decide(at: .zero)
    #expect(decision.evidence.figures["feature"] == 1)
    #expect(try #require(decision.evidence.value) > 0.25)
    #expect(decision.evidence.unit == .stabilityIndex && decision.evidence.count == 500)
    for _ in 0..<3 {
      let isOpen = trigger.decide(at: .zero).isOpen
      #expect(isOpen)
      trigger.hear(.round, at: .zero)
    }
    let after = feed(1, 10)
    #expect(!after, "the new place is the reference now")
    let back = feed(0, 11)
    #expect(back)
  }

  @Test("features of another number begin a new reference")
  func otherProgram() {
    var trigger = DriftTrigger(.init(threshold: 0.25, window: 500), rounds: 1)
    for (count, width) in [(500, 2), (500, 3), (300, 3), (500, 1)] {
      trigger.hear(.inputs((0..<count).map { [Float](repeating: Float($0), count: width) }), at: .zero)
      #expect(!trigger.decide(at: .zero).isOpen)
    }
  }

  /// Shares of 0.1 in each of ten bins against 0.2 in one, 0 in another: (0.1 ln 2) + (0.1 ln(0.1 / half a
  /// value)).
  @Test("the stability index is that of the formula, and finite for what never came before")
  func index() {
    let bins = FeatureBins((0..<1_000).map(Float.init))
    #expect(bins.stabilityIndex(of: (0..<1_000).map(Float.init)) == 0)
    let values = (0..<1_000).map { Float($0 < 100 ? $0 + 100 : $0) }
    let unit = 1_005.0
    let (old, empty, double) = (100.5 / unit, 0.5 / unit, 200.5 / unit)
    let expected = (empty - old) * log(empty / old) + (double - old) * log(double / old)
    #expect(abs(bins.stabilityIndex(of: values) - expected) < 1e-12)
    let constant = FeatureBins([Float](repeating: 3, count: 500))
    #expect(constant.stabilityIndex(of: [Float](repeating: 3, count: 500)) == 0)
    #expect(constant.stabilityIndex(of: [Float](repeating: 4, count: 500)) > 5)
    #expect(constant.stabilityIndex(of: [Float](repeating: 2, count: 500)) > 5)
    #expect(FeatureBins([]).stabilityIndex(of: [1, .nan]).isFinite)
  }

  @Test(
    "a value from outside opens beyond its threshold and shuts beyond the hysteresis",
    arguments: [
      (true, [0.95, 0.89, 0.91, 0.925, 0.935, 0.89], [false, true, true, true, false, true]),
      (false, [0.85, 0.91, 0.89, 0.875, 0.865, 0.91], [false, true, true, true, false, true]),
    ] as [(Bool, [Double], [Bool])])
  func proxy(isBadBelow: Bool, values: [Double], open: [Bool]) {
    var trigger = ProxyTrigger(.init(threshold: 0.9, hysteresis: 0.03, isBadBelow: isBadBelow))
    #expect(!trigger.decide(at: .zero).isOpen)
    let said = values.map { value in
      trigger.hear(.proxy(value), at: .zero)
      return trigger.decide(at: .zero).isOpen
    }
    #expect(said == open)
    trigger.hear(.proxy(.nan), at: .zero)
    #expect(trigger.decide(at: .zero).evidence.value == values.last)
  }

  @Test("while the trigger is shut samples wait and nothing is learned; its word is recorded when it changes")
  func runner() throws {
    var settings = FunctionRunnerTests.settings()
    settings.trigger = TriggerSettings(.proxy(.init(threshold: 0.9)))
    let rounds = Mutex(0)
    let host = try FunctionRunnerTests.Host(settings, start: FunctionRunnerTests.answer(1)) { network in
      ScriptedAdapter(network) {
        rounds.withLock { $0 += 1 }
        return 1
      }
    }
    #expect(!host.runner.report(proxy: 0.1), "before the start there is nobody to hear it")
    host.runner.start()
    defer { host.runner.stop() }
    #expect(eventually { host.runner.snapshot().batches > 20 })
    #expect(rounds.withLock { $0 } == 0 && host.runner.snapshot().queued > 100)
    #expect(host.runner.snapshot().trigger?.isOpen == false)
    #expect(host.runner.report(proxy: 0.5))
    #expect(eventually { rounds.withLock { $0 } > 2 })
    host.runner.report(proxy: 0.95)
    #expect(eventually { host.runner.snapshot().trigger?.isOpen == false })
    let words = host.records.all.compactMap { if case .trigger(let said) = $0 { said } else { nil } }
    #expect(words.map(\.isOpen) == [false, true, false])
    #expect(words.map(\.trigger) == [.proxy, .proxy, .proxy])
    #expect(words.last?.evidence.value == 0.95)
  }

  @Test(
    "triggers that cannot work are refused with the key",
    arguments: [
      (.init(.schedule(every: .zero)), "every"), (.init(.drift(.init(threshold: 0))), "threshold"),
      (.init(.drift(.init(window: 100))), "window"), (.init(.proxy(.init(threshold: .nan))), "threshold"),
      (.init(.proxy(.init(threshold: 1, hysteresis: -1))), "hysteresis"),
      (.init(.everyBatch, rounds: 0), "rounds"),
    ] as [(TriggerSettings, String)])
  func refusals(settings: TriggerSettings, key: String) {
    let function = FunctionSettings(name: "f", bundle: "b", trigger: settings)
    let error = #expect(throws: AdaptationError.self) { try function.validate() }
    #expect(error?.message.contains("trigger: \(key)") == true)
  }
}
