import Foundation
import MedullaLearning
import Testing

@testable import TestbedExperiments
@testable import TestbedLink
@testable import TestbedMeasures

@Suite("Comparing measured values")
struct ComparisonTests {
  @Test("deviation, confidence interval and slope are those of the textbooks")
  func moments() {
    #expect(abs(Statistics.deviation([2, 4, 4, 4, 5, 5, 7, 9]) - 2.138089935) < 1e-8)
    // Three values: t = 4.303, s = 1, n = 3.
    #expect(abs((Statistics.halfInterval([1, 2, 3]) ?? 0) - 4.302652729749 / 3.0.squareRoot()) < 1e-9)
    #expect(Statistics.halfInterval([1]) == nil)
    #expect(abs(Statistics.slope([(x: 0, y: 1), (x: 1, y: 3), (x: 2, y: 5)]) - 2) < 1e-12)
    #expect(Statistics.slope([(x: 1, y: 1), (x: 1, y: 9)]) == 0)
  }
}

@Suite("The experiment updates")
struct UpdatesTests {
  private func phase(
    _ index: Int, updates: Double = 0, retransmits: Double = 0, decision: Double = 500,
    promotion: Double = 0.2, goodput: Double = 95, queue: Double = 10, change: Double = 0.09
  ) -> StudyRun {
    var reading = Reading(keyed: [
      "updates": updates, "retransmits_per_minute": retransmits,
      "decision_ns": decision + Double(index) / 3, "decision_p99_ns": decision + Double(index),
      "goodput_mbps": goodput + Double(index % 3) / 10, "queue_ms_mean": queue + Double(index % 3) / 10,
    ])
    if updates > 0 { reading[Updates.change] = change }
    reading.series[Updates.promotionSeries] = Array(repeating: promotion, count: Int(updates))
    return StudyRun(StudyCell().with(Updates.updating, updates > 0), round: index / 2, reading)
  }

  private func verdict(pairs: Int = 10, complete: Bool = true, _ change: (Int) -> StudyRun) -> Verdict {
    let runs = (0..<pairs).flatMap { [phase(2 * $0), change(2 * $0 + 1)] }
    return Updates.study.judge(runs, Updates.study.plan, complete: complete)
  }

  @Test("a thousand updates that nothing shows of meet the bounds")
  func met() {
    let verdict = verdict { phase($0, updates: 100) }
    #expect(verdict.met, "\(verdict.misses)")
  }

  @Test("retransmissions, slower decisions, slow promotions and too few updates each miss")
  func missed() {
    let cases: [(String, (Int) -> StudyRun)] = [
      ("retransmissions", { self.phase($0, updates: 100, retransmits: 1) }),
      ("decision times with and without updates", { self.phase($0, updates: 100, decision: 800) }),
      ("goodputs with and without updates", { self.phase($0, updates: 100, goodput: 93) }),
      ("mean queues with and without updates", { self.phase($0, updates: 100, queue: 12) }),
      ("actions changed", { self.phase($0, updates: 100, change: 0.001) }),
      ("promotion", { self.phase($0, updates: 100, promotion: 1.5) }),
      ("updates", { self.phase($0, updates: 99) }),
    ]
    for (reason, change) in cases {
      let verdict = verdict(change)
      #expect(verdict.failed)
      #expect(verdict.misses.contains { $0.hasPrefix(reason) }, "\(reason): \(verdict.misses)")
    }
  }

  @Test("five pairs of phases are too few, and a difference that few pairs do not show is no equality")
  func pairs() {
    func noisy(_ pairs: Int) -> Verdict {
      // As often slower as quicker, by far more than the margin.
      verdict(pairs: pairs) {
        phase($0, updates: Double(1_000 / pairs + 1), decision: $0 % 4 == 1 ? 700 : 350)
      }
    }
    #expect(noisy(5).misses.contains { $0.hasPrefix("5 pairs") })
    for pairs in [2, 4, 6] {
      let misses = noisy(pairs).misses
      #expect(misses.contains { $0.hasPrefix("decision times with and without updates") }, "\(misses)")
    }
    #expect(!noisy(6).misses.contains { $0.contains("pairs") })
    var plan = Updates.study.plan
    plan[Updates.pairs] = 5
    #expect(!Updates.study.isComplete(plan))
    plan[Updates.pairs] = 6
    #expect(Updates.study.isComplete(plan))
  }

  @Test("factors lie on both sides of 1, no two are the same, and each is far from the next")
  func factors() {
    let factors = (0..<16).map { Updates.factor($0, of: 16, spread: 0.3) }
    #expect(Set(factors).count == 16 && factors.allSatisfy { abs($0 - 1) > 0.2 && abs($0 - 1) < 0.301 })
    for (one, next) in zip(factors, factors.dropFirst() + factors.prefix(1)) {
      #expect(abs(one - next) > 0.4)
    }
  }

  @Test("decisions are counted once though slots get new snapshots")
  func clock() {
    var clock = DecisionClock()
    _ = clock.advance([(version: 1, count: 100, mean: 500)])
    let second = clock.advance([(version: 1, count: 150, mean: 500), (version: 2, count: 10, mean: 800)])
    #expect(second?.count == 60)
    #expect(abs((second?.mean ?? 0) - 550) < 1e-9)
    // Version 2's slot has begun anew for version 3.
    let third = clock.advance([(version: 1, count: 150, mean: 500), (version: 3, count: 5, mean: 400)])
    #expect(third?.count == 5)
    #expect(abs((third?.mean ?? 0) - 400) < 1e-9)
    let fourth = clock.advance([(version: 1, count: 150, mean: 500)])
    #expect(fourth == nil)
  }
}

@Suite("The experiment fig8")
struct ConvergenceTests {
  private func runs(_ training: Int, goodput: Double, reward: Double, power: Double = 0.7) -> [StudyRun] {
    (0..<5).map { round in
      StudyRun(
        StudyCell().with(Convergence.rounds, training), round: round,
        Reading(keyed: [
          "goodput_mbps": goodput + Double(round) / 100, "queue_ms_mean": 3, "reward": reward, "power": power,
        ]))
    }
  }

  private func misses(_ runs: [StudyRun]) -> [String] {
    Convergence.fig8.judge(runs, Convergence.fig8.plan, complete: true).misses
  }

  @Test("a training whose last snapshot is near the best converges; one that falls back does not")
  func verdict() {
    let first = runs(0, goodput: 23, reward: -0.2, power: 0.37)
    #expect(misses(first + runs(-1, goodput: 23, reward: -0.04)).isEmpty)
    let worse = misses(first + runs(8, goodput: 23, reward: -0.04) + runs(-1, goodput: 20, reward: -0.04))
    #expect(worse.count == 1 && worse[0].hasPrefix("last over best"))
    let idle = misses(first + runs(-1, goodput: 23, reward: -0.19))
    #expect(idle.count == 1 && idle[0].hasPrefix("reward gained"))
  }

  @Test("an untrained network fills the link by filling the buffer, which is no convergence")
  func untrained() {
    let first = runs(0, goodput: 23, reward: -0.2, power: 0.37)
    let misses = misses(first + runs(-1, goodput: 23, reward: -0.04, power: 0.37))
    #expect(misses.count == 1 && misses[0].hasPrefix("goodput over delay"))
  }
}

@Suite("The experiment fig12")
struct AdaptationTests {
  private func run(_ scheme: String, _ goodputs: [Double], updates: Double = 2) -> StudyRun {
    var values = Dictionary(
      goodputs.enumerated().map { ("goodput_mbps_\($0.offset)", $0.element) }
    ) { first, _ in first }
    values["updates"] = updates
    return StudyRun(StudyCell().with(Adaptation.schemes, scheme), round: 0, Reading(keyed: values))
  }

  /// As many rounds as the plan has, all alike.
  private func misses(_ runs: [StudyRun]) -> [String] {
    let rounds = (0..<Adaptation.fig12.plan.repeats).flatMap { round in
      runs.map { StudyRun($0.cell, round: round, $0.reading) }
    }
    return Adaptation.fig12.judge(rounds, Adaptation.fig12.plan, complete: true).misses
  }

  @Test("adapting comes within 5% of the trained network in each condition, or misses there")
  func verdict() {
    let trained = run("trained", [30, 30, 15, 40])
    #expect(misses([trained, run("frozen", [30, 6, 3, 8]), run("adapting", [29, 29, 14.5, 39])]).isEmpty)
    let frozen = run("frozen", [30, 6, 3, 8])
    let low = misses([trained, frozen, run("adapting", [30, 28, 15, 40])])
    #expect(low.count == 1 && low[0].hasPrefix("lossy: adapting over trained: 0.933"))
    let still = misses([trained, frozen, run("adapting", [30, 30, 15, 40], updates: 0)])
    #expect(still.count == 1 && still[0].hasPrefix("snapshots that the daemon put in"))
    #expect(misses([run("adapting", [30])]).count == 7)
  }

  @Test("what frozen reaches as well is no adaptation, however near it is to the trained network")
  func frozen() {
    let all = [29.0, 29, 14.5, 39]
    let misses = misses([run("trained", [30, 30, 15, 40]), run("frozen", all), run("adapting", all)])
    #expect(misses.count == 3 && misses.allSatisfy { $0.contains("adapting over frozen") }, "\(misses)")
  }

  @Test("recovery is when the mean over a window of the interval comes back")
  func recovery() {
    let series = (1...20).map { TimedValue(Double($0), $0 < 5 ? 1 : 10) }
    #expect(Adaptation.recovery(series, in: 0...20, level: 10, window: 4) == 8)
    #expect(Adaptation.recovery(series, in: 5...20, level: 10, window: 4) == 4)
    #expect(Adaptation.recovery(series, in: 0...20, level: 11, window: 4) == nil)
    #expect(Adaptation.recovery(series, in: 0...2, level: 0, window: 4) == nil)
  }

  @Test("a condition leaves to one flow what the background does not take, and can be trained for")
  func condition() throws {
    let condition = LinkCondition(
      name: "x", rateMbps: 30, bufferBdp: 1, loss: 0.1, background: .init(bitsPerSecond: 20e6, on: 1, off: 1))
    #expect(abs(condition.backgroundShare - 1.0 / 3) < 1e-12)
    #expect(abs(condition.availableMbps - 30 * 1448 / 1500 * (1 - 0.3)) < 1e-9)
    #expect(throws: Never.self) { try AuroraScenarios(condition.ranges) }
    for condition in Adaptation.allConditions {
      #expect(throws: Never.self) { try AuroraScenarios(condition.ranges) }
    }
  }

  @Test("the plan says how much shorter its intervals are than the paper's")
  func plan() {
    #expect(Adaptation.compression(Adaptation.fig12.plan) == 40)
    #expect(Adaptation.measured(Adaptation.fig12.plan, 1) == 50...60)
  }
}

@Suite("The experiment fig14")
struct BatchIntervalTests {
  private func run(_ interval: String, softirq: Double = 10, single: Double = 190) -> StudyRun {
    StudyRun(
      StudyCell().with(BatchInterval.intervals, interval), round: 0,
      Reading(keyed: ["softirq": softirq, "single_mbps": single, "samples": 100]))
  }

  private func misses(_ runs: [StudyRun]) -> [String] {
    let rounds = (0..<BatchInterval.fig14.plan.repeats).flatMap { round in
      runs.map { StudyRun($0.cell, round: round, $0.reading) }
    }
    return BatchInterval.fig14.judge(rounds, BatchInterval.fig14.plan, complete: true).misses
  }

  @Test("only the usual intervals have bounds")
  func verdict() {
    #expect(misses([run("none"), run("1ms", softirq: 30, single: 100), run("100ms"), run("1s")]).isEmpty)
    let costly = misses([run("none"), run("100ms", softirq: 13), run("1s")])
    #expect(costly.count == 1 && costly[0].hasPrefix("T = 100ms: softirq over none"))
    let slow = misses([run("none"), run("100ms"), run("1s", single: 180)])
    #expect(slow.count == 1 && slow[0].hasPrefix("T = 1s: goodput"))
  }

  @Test("two points more are no small cost where there are less than two to begin with")
  func smallShares() {
    let misses = misses([run("none", softirq: 1.6), run("100ms", softirq: 3.5), run("1s", softirq: 1.6)])
    #expect(misses.count == 1 && misses[0].hasPrefix("T = 100ms: softirq over none: 2.188"))
  }

  @Test("processor time is read as Linux writes it")
  func times() throws {
    let times = try #require(
      ProcessorTimes("cpu  100 0 200 700 50 10 40 0 0 0\ncpu0 1 1 1 1 1 1 1 1\n"))
    #expect(times.softirq == 0.4)
    #expect(times.total == 11)
    #expect(abs(times.busy - 3.5) < 1e-12)
    #expect(ProcessorTimes("nothing") == nil)
    let stat = "42 (a b) c) S 1 1 1 0 -1 0 0 0 0 0 150 50 10 5 20 0 1 0"
    #expect(ProcessorTimes.processSeconds(stat) == 2.15)
    #expect(ProcessorTimes.ofProcess(getpid()) != nil)
    #expect((ProcessorTimes.residentBytes(getpid()) ?? 0) > 1_000_000)
  }
}
