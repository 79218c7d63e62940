import Foundation
import MedullaLearning
import Testing

@testable import MedullaTestbed

@Suite("Comparing measured values")
struct ComparisonTests {
  @Test("equal samples are alike, shifted ones are not")
  func permutations() {
    let values = (0..<10).map { Double($0 % 3) }
    #expect(Statistics.permutationTest(values, values) > 0.9)
    #expect(Statistics.permutationTest(values, values.map { $0 + 10 }) < 0.001)
    #expect(Statistics.permutationTest([], [1]) == 1)
  }

  @Test("deviation, confidence interval and slope are those of the textbooks")
  func moments() {
    #expect(abs(Statistics.deviation([2, 4, 4, 4, 5, 5, 7, 9]) - 2.138089935) < 1e-8)
    // Three values: t = 4.303, s = 1, n = 3.
    #expect(abs((Statistics.halfInterval([1, 2, 3]) ?? 0) - 4.303 / 3.0.squareRoot()) < 1e-9)
    #expect(Statistics.halfInterval([1]) == nil)
    #expect(abs(Statistics.slope([(x: 0, y: 1), (x: 1, y: 3), (x: 2, y: 5)]) - 2) < 1e-12)
    #expect(Statistics.slope([(x: 1, y: 1), (x: 1, y: 9)]) == 0)
  }
}

@Suite("The experiment updates")
struct UpdatesTests {
  private func phase(
    _ index: Int, updates: Int = 0, retransmits: Int = 0, decision: Double = 500, promotion: Double = 0.2
  ) -> UpdatesPhase {
    UpdatesPhase(
      index: index, updating: updates > 0, seconds: 60, updates: updates, waits: 0, retransmits: retransmits,
      dropped: 0, goodputMbps: 95, queueingDelayMeanMs: 5, decisions: 1_000,
      decisionNs: [decision - 5, decision, decision + 5 + Double(index)],
      promotionMs: Array(repeating: promotion, count: updates), fellBehind: false)
  }

  private func phases(_ change: (Int) -> UpdatesPhase) -> [UpdatesPhase] {
    (0..<10).flatMap { [phase(2 * $0), change(2 * $0 + 1)] }
  }

  @Test("a thousand updates that nothing shows of meet the targets")
  func met() {
    let verdict = UpdatesVerdict(phases { phase($0, updates: 100) }, complete: true)
    #expect(verdict.met, "\(verdict.misses)")
    #expect(verdict.figures.updates == 1_000)
    #expect(!UpdatesVerdict(phases { phase($0, updates: 100) }, complete: false).met)
    #expect(!UpdatesVerdict([], complete: true).met)
  }

  @Test("retransmissions, slower decisions, slow promotions and too few updates each miss")
  func missed() {
    let cases: [(String, (Int) -> UpdatesPhase)] = [
      ("retransmissions", { self.phase($0, updates: 100, retransmits: 1) }),
      ("p of equal mean", { self.phase($0, updates: 100, decision: 800) }),
      ("promotion", { self.phase($0, updates: 100, promotion: 1.5) }),
      ("updates", { self.phase($0, updates: 99) }),
    ]
    for (reason, change) in cases {
      let verdict = UpdatesVerdict(phases(change), complete: true)
      #expect(verdict.failed)
      #expect(verdict.misses.contains { $0.hasPrefix(reason) }, "\(reason): \(verdict.misses)")
    }
  }

  @Test("five pairs of phases are too few for a verdict: the test could not tell a difference")
  func pairs() {
    func verdict(_ pairs: Int) -> UpdatesVerdict {
      let phases = (0..<pairs).flatMap { pair in
        [phase(2 * pair), phase(2 * pair + 1, updates: 1_000 / pairs + 1, decision: 900)]
      }
      return UpdatesVerdict(phases, complete: true)
    }
    #expect(verdict(5).misses.contains { $0.hasPrefix("5 pairs") })
    #expect((verdict(4).figures.decisionMeanProbability ?? 0) > 0.01)
    #expect((verdict(6).figures.decisionMeanProbability ?? 1) < 0.01)
    #expect(!verdict(6).misses.contains { $0.contains("pairs") })
    var plan = UpdatesPlan()
    plan.pairs = 5
    #expect(!plan.isComplete)
    plan.pairs = 6
    #expect(plan.isComplete)
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

  @Test("the plan is the issue's; the quick one has no verdict")
  func plan() throws {
    #expect(UpdatesPlan().isComplete)
    #expect(!UpdatesPlan.quick.isComplete)
    #expect(throws: Never.self) { try UpdatesPlan().validate() }
    var plan = UpdatesPlan()
    plan.updatesPerSecond = 7
    #expect(throws: TestbedError.self) { try plan.validate() }
  }
}

@Suite("The experiment fig8")
struct ConvergenceTests {
  private func run(_ round: Int, goodput: Double, reward: Double) -> ConvergenceRun {
    let cell = ConvergencePlan().cell
    return ConvergenceRun(
      round: round, steps: round * 1_000, reward: reward,
      run: LinkRun(
        cell: cell, congestion: "x", seconds: 10, warmUpSeconds: 4, seed: 1, capacityMbps: 24,
        goodputMbps: goodput, share: goodput / 24, queueingDelayMeanMs: 3, queueingDelayP95Ms: 4,
        rttMeanMs: 30, rttP95Ms: 31, retransmits: 0, dropped: 0, lost: 0, flowGoodputMbps: [goodput],
        jain: 1, fellBehind: false, deviceDrops: 0))
  }

  @Test("a training whose last snapshot is near the best converges; one that falls back does not")
  func verdict() {
    let good = [
      run(0, goodput: 12, reward: -0.2), run(0, goodput: 14, reward: -0.2),
      run(9, goodput: 23, reward: -0.04),
    ]
    let verdict = ConvergenceVerdict(good, complete: true)
    #expect(verdict.met, "\(verdict.misses)")
    #expect(verdict.figures.worstGoodputMbps == 13)
    let worse = ConvergenceVerdict(good + [run(20, goodput: 20, reward: -0.04)], complete: true)
    #expect(worse.misses.contains { $0.hasPrefix("last over best") })
    let idle = ConvergenceVerdict([good[0], run(9, goodput: 23, reward: -0.19)], complete: true)
    #expect(idle.misses.contains { $0.hasPrefix("reward gained") })
    #expect(!ConvergenceVerdict([], complete: true).met)
    #expect(!ConvergenceVerdict(good, complete: false).met)
  }

  @Test("the plan takes its snapshots in order")
  func plan() {
    #expect(ConvergencePlan().isComplete)
    #expect(!ConvergencePlan.quick.isComplete)
    var plan = ConvergencePlan()
    plan.rounds = [3, 2]
    #expect(throws: TestbedError.self) { try plan.validate() }
  }
}

@Suite("The experiment fig12")
struct AdaptationTests {
  private func run(_ scheme: AdaptationScheme, _ goodputs: [Double], updates: Int = 2) -> AdaptationRun {
    let conditions = AdaptationPlan().conditions
    return AdaptationRun(
      scheme: scheme, repetition: 0,
      intervals: goodputs.enumerated().map { index, goodput in
        .init(
          condition: conditions[index], goodputMbps: goodput, wholeGoodputMbps: goodput, share: 0.9,
          queueingDelayMeanMs: 2, dropped: 0, lost: 0, backgroundReceived: 0, backgroundSent: 0,
          fellBehind: false, recoverySeconds: nil)
      },
      activations: (0...updates).map { .init(time: Double($0), version: UInt64($0 + 1)) }, goodput: [])
  }

  @Test("adapting that comes within 5% of the trained network in each condition meets the target")
  func met() throws {
    let runs = [
      run(.trained, [30, 30, 15, 40]), run(.frozen, [30, 6, 3, 8]), run(.adapting, [29, 29, 14.5, 39]),
    ]
    let verdict = AdaptationVerdict(runs, complete: true)
    #expect(verdict.met, "\(verdict.misses)")
    #expect(abs((verdict.figures.frozenOverTrained ?? 0) - 0.2) < 1e-9)
    #expect(verdict.figures.updates == 2)
    #expect(!AdaptationVerdict(runs, complete: false).met)
  }

  @Test("one condition below it, or a daemon that never updated, misses")
  func missed() {
    let trained = run(.trained, [30, 30, 15, 40])
    let low = AdaptationVerdict([trained, run(.adapting, [30, 28, 15, 40])], complete: true)
    #expect(low.failed)
    #expect(low.misses.count == 1)
    let still = AdaptationVerdict([trained, run(.adapting, [30, 30, 15, 40], updates: 0)], complete: true)
    #expect(still.misses == ["the daemon put no snapshot in"])
    #expect(!AdaptationVerdict([run(.adapting, [30])], complete: true).met)
  }

  @Test("recovery is when the mean over a window of the interval comes back")
  func recovery() {
    let series = (1...20).map { TimedValue(Double($0), $0 < 5 ? 1 : 10) }
    #expect(AdaptationRun.recovery(series, in: 0...20, level: 10, window: 4) == 8)
    #expect(AdaptationRun.recovery(series, in: 5...20, level: 10, window: 4) == 4)
    #expect(AdaptationRun.recovery(series, in: 0...20, level: 11, window: 4) == nil)
    #expect(AdaptationRun.recovery(series, in: 0...2, level: 0, window: 4) == nil)
  }

  @Test("a condition leaves to one flow what the background does not take, and can be trained for")
  func condition() throws {
    let condition = LinkCondition(
      "x", rateMbps: 30, bufferBdp: 1, loss: 0.1, background: .init(bitsPerSecond: 20e6, on: 1, off: 1))
    #expect(abs(condition.backgroundShare - 1.0 / 3) < 1e-12)
    #expect(abs(condition.availableMbps - 30 * 1448 / 1500 * (1 - 0.3)) < 1e-9)
    #expect(throws: Never.self) { try AuroraScenarios(condition.ranges) }
    for condition in AdaptationPlan().conditions {
      #expect(throws: Never.self) { try AuroraScenarios(condition.ranges) }
    }
  }

  @Test("the plan says how much shorter its intervals are than the paper's")
  func plan() throws {
    #expect(AdaptationPlan().isComplete)
    #expect(AdaptationPlan().compression == 40)
    #expect(!AdaptationPlan.quick.isComplete)
    #expect(throws: Never.self) { try AdaptationPlan().validate() }
  }
}

@Suite("The experiment fig14")
struct BatchIntervalTests {
  private func run(_ interval: String?, softirq: Double = 0.1, single: Double = 190) -> BatchIntervalRun {
    BatchIntervalRun(
      interval: interval, repetition: 0, softirqShare: softirq, busyShare: 0.5, daemonShare: 0.1,
      concurrentMbps: 190, singleMbps: single, samples: 100, samplesDropped: 0, fellBehind: false)
  }

  @Test("only the usual intervals have targets")
  func verdict() {
    let usual = [run(nil), run("1ms", softirq: 0.3, single: 100), run("100ms"), run("1s")]
    #expect(BatchIntervalVerdict(usual, complete: true).met)
    let costly = BatchIntervalVerdict([run(nil), run("100ms", softirq: 0.13)], complete: true)
    #expect(costly.misses.contains { $0.hasPrefix("softirq") })
    let slow = BatchIntervalVerdict([run(nil), run("1s", single: 180)], complete: true)
    #expect(slow.misses.contains { $0.hasPrefix("goodput") })
    #expect(!BatchIntervalVerdict([run("1s")], complete: true).met)
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
