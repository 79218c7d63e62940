import MedullaBase
import MedullaCongestion
import MedullaDatapath
import Testing

@testable import MedullaAdaptation

@Suite("The watch over a promoted snapshot")
struct WatchTests {
  static let settings = WatchSettings(window: .seconds(10), loss: 0.05, significance: 0.01)

  /// Values of Student's distribution from its tables (one-sided).
  @Test(
    "tail probabilities are those of the tables",
    arguments: [
      (2.015, 5, 0.05), (3.365, 5, 0.01), (1.812, 10, 0.05), (2.764, 10, 0.01), (1.697, 30, 0.05),
      (0, 7, 0.5), (-2.015, 5, 0.95), (6.314, 1, 0.05), (2.326, 100_000, 0.01),
    ] as [(Double, Double, Double)])
  func tails(t: Double, freedom: Double, probability: Double) {
    #expect(abs(StudentDistribution(freedom: freedom).probability(above: t) - probability) < 2e-4)
  }

  /// One reward of each of `flows` flows every 100 ms.
  func feed(
    _ watch: inout RolloutWatch, from start: Double, to end: Double, version: UInt64, mean: Double,
    noise: Double = 0.02, flows: UInt64 = 2, seed: UInt64 = 1
  ) -> WatchVerdict? {
    var generator = SeededGenerator(seed: seed)
    var time = start
    while time < end - 1e-9 {
      let rewards = (0..<flows).map { flow in
        RewardSample(
          version: version, unit: flow + version * 100,
          reward: mean + Double.random(in: -noise...noise, using: &generator), time: .seconds(time))
      }
      watch.add(rewards, at: .seconds(time))
      if let verdict = watch.check(at: .seconds(time)) { return verdict }
      time += 0.1
    }
    return nil
  }

  struct Case: Sendable {
    let name: String
    let old: Double
    let new: Double
    let noise: Double
    let outcome: WatchVerdict.Outcome
  }

  @Test(
    "before against after: only a loss that is large enough and not by chance rolls back",
    arguments: [
      .init(name: "the same", old: 0.9, new: 0.9, noise: 0.02, outcome: .accepted),
      .init(name: "better", old: 0.8, new: 0.9, noise: 0.02, outcome: .accepted),
      .init(name: "much worse", old: 0.9, new: 0.5, noise: 0.02, outcome: .worse),
      .init(name: "worse by less than counts", old: 0.9, new: 0.87, noise: 0.005, outcome: .accepted),
      .init(name: "worse within its noise", old: 0.9, new: 0.84, noise: 2, outcome: .accepted),
      .init(name: "worse though negative", old: -0.5, new: -0.8, noise: 0.02, outcome: .worse),
    ] as [Case])
  func beforeAfter(_ item: Case) throws {
    var watch = RolloutWatch(Self.settings, unit: .flow)
    #expect(feed(&watch, from: 90, to: 100, version: 1, mean: item.old, noise: item.noise) == nil)
    watch.begin(version: 2, at: .seconds(100))
    let verdict = try #require(
      feed(&watch, from: 100, to: 115, version: 2, mean: item.new, noise: item.noise, seed: 2))
    #expect(verdict.outcome == item.outcome, "\(item.name)")
    #expect(verdict.comparison == .beforeAfter)
    #expect(abs(try #require(verdict.oldMean) - item.old) < item.noise)
    #expect(verdict.newSamples > 0 && verdict.oldSamples == 200)
    // One that is accepted was looked at four times, to the window's end.
    if item.outcome == .accepted {
      #expect(verdict.seconds > 9.95 && verdict.seconds < 10.2)
      // Two flows, ten times a second, those of the moment of the look among them.
      #expect((202...204).contains(verdict.newSamples))
    }
    #expect(!watch.isWatching)
  }

  @Test("a clear loss is told before the window is over")
  func early() throws {
    var watch = RolloutWatch(Self.settings, unit: .flow)
    _ = feed(&watch, from: 90, to: 100, version: 1, mean: 0.9)
    watch.begin(version: 2, at: .seconds(100))
    let verdict = try #require(feed(&watch, from: 100, to: 115, version: 2, mean: 0.2))
    #expect(verdict.outcome == .worse)
    #expect(verdict.seconds < 3)
  }

  @Test(
    "what fell for both versions is blamed on the new one only when it recovers without it",
    arguments: [true, false])
  func fallOfAll(recovers: Bool) throws {
    var watch = RolloutWatch(Self.settings, unit: .flow)
    _ = feed(&watch, from: 90, to: 100, version: 1, mean: 0.9)
    watch.begin(version: 2, at: .seconds(100))
    var verdict: WatchVerdict?
    for step in 0..<150 where verdict == nil {
      let time = 100 + Double(step) / 10
      // The link got worse for both at the moment of the promotion.
      verdict = feed(&watch, from: time, to: time + 0.1, version: 1, mean: 0.4, seed: UInt64(step))
      if verdict == nil {
        verdict = feed(&watch, from: time, to: time + 0.1, version: 2, mean: 0.4, seed: UInt64(step) + 999)
      }
    }
    // It condemns nobody, but it is not accepted either: it is taken back, and what comes then decides.
    #expect(verdict?.outcome == .fell && watch.isWatching)
    watch.takeBack(at: .seconds(103))
    #expect(watch.isTakenBack)
    verdict = feed(&watch, from: 103.1, to: 120, version: 1, mean: recovers ? 0.9 : 0.4, seed: 5)
    #expect(verdict?.outcome == (recovers ? .worse : .acquitted))
    #expect(verdict?.comparison == .takenBack && !watch.isWatching)
  }

  @Test("when its flows go on after it was taken back nothing can be told, and it stays so")
  func lastingFlows() {
    var watch = RolloutWatch(Self.settings, unit: .flow)
    var verdict: WatchVerdict?
    func both(_ start: Double, _ mean: Double) -> WatchVerdict? {
      feed(&watch, from: start, to: start + 0.1, version: 1, mean: mean)
        ?? feed(&watch, from: start, to: start + 0.1, version: 2, mean: mean)
    }
    _ = feed(&watch, from: 90, to: 100, version: 1, mean: 0.9)
    watch.begin(version: 2, at: .seconds(100))
    for step in 0..<150 where verdict == nil { verdict = both(100 + Double(step) / 10, 0.2) }
    #expect(verdict?.outcome == .fell)
    watch.takeBack(at: .seconds(110))
    verdict = nil
    for step in 0..<500 where verdict == nil { verdict = both(110 + Double(step) / 10, 0.2) }
    #expect(verdict?.outcome == .undecided && verdict?.reason?.contains("go on") == true)
    #expect((verdict?.seconds ?? 0) >= 40)
  }

  @Test("a snapshot that no flow has used is left alone in the end")
  func unused() throws {
    var watch = RolloutWatch(Self.settings, unit: .flow)
    _ = feed(&watch, from: 90, to: 100, version: 1, mean: 0.9)
    watch.begin(version: 2, at: .seconds(100))
    let verdict = try #require(feed(&watch, from: 100, to: 140, version: 1, mean: 0.9))
    #expect(verdict.outcome == .undecided)
    #expect(verdict.seconds >= 30)
  }

  @Test("one that flows use late is held against flows beside it, else against those of before it")
  func late() throws {
    for (beside, comparison) in [
      (true, WatchVerdict.Comparison.sideBySide), (false, .beforeAfter),
    ] {
      for (mean, outcome) in [(0.9, WatchVerdict.Outcome.accepted), (0.3, .worse)] {
        var watch = RolloutWatch(Self.settings, unit: .flow)
        _ = feed(&watch, from: 90, to: 100, version: 1, mean: 0.9)
        watch.begin(version: 2, at: .seconds(100))
        // A night without traffic.
        let unused = watch.check(at: .seconds(131))
        #expect(unused?.outcome == .undecided)
        let early = watch.wake()
        #expect(early == nil)
        var verdict: WatchVerdict?
        for second in 5_000..<5_020 where verdict == nil {
          let (start, end) = (Double(second), Double(second + 1))
          if beside { verdict = feed(&watch, from: start, to: end, version: 1, mean: 0.9) }
          verdict = verdict ?? feed(&watch, from: start, to: end, version: 2, mean: mean)
          let woken = watch.wake()
          #expect(woken == (second == 5_000 ? 2 : nil))
        }
        #expect(verdict?.outcome == outcome)
        #expect(verdict?.comparison == comparison)
        #expect(watch.ledger.pieces.count < 1_000)
        let again = watch.wake()
        #expect(!watch.isWatching && again == nil)
      }
    }
  }

  @Test("rewards of a long life take a bounded memory")
  func bounded() {
    var watch = RolloutWatch(Self.settings, unit: .flow)
    for second in 0..<2_000 {
      let rewards = (0..<200 as Range<UInt64>).map {
        RewardSample(version: UInt64(second), unit: $0, reward: 1, time: .seconds(second))
      }
      watch.add(rewards, at: .seconds(second))
    }
    #expect(watch.ledger.pieces.count <= 12 * 64)
    var ledger = RewardLedger(slice: .milliseconds(1), unit: .flow)
    for index in 0..<40_000 {
      ledger.add([RewardSample(version: 1, unit: 1, reward: 1, time: .milliseconds(index))])
    }
    #expect(ledger.pieces.count == RewardLedger.pieceLimit)
  }

  /// Sixteen paths: ten have flows of both versions, three of the old one, three of the new one.
  @Test(
    "paths and hosts that both versions share are no evidence side by side; flows are apart anyway",
    arguments: [(.flow, 3.7 / 13), (.path, 0.9), (.host, 0.9)] as [(RandomizationUnit, Double)])
  func shared(unit: RandomizationUnit, newMean: Double) throws {
    var watch = RolloutWatch(Self.settings, unit: unit)
    for step in 0..<100 {
      watch.add(
        (1...13).map {
          RewardSample(version: 1, unit: $0, reward: 0.9, time: .seconds(90 + Double(step) / 10))
        },
        at: .seconds(90 + Double(step) / 10))
    }
    watch.begin(version: 2, at: .seconds(100))
    var verdict: WatchVerdict?
    for step in 0..<150 where verdict == nil {
      let time = Duration.seconds(100 + Double(step) / 10)
      // On the shared path the new version earns less, because the old one takes what there is.
      watch.add(
        (1...13).map { RewardSample(version: 1, unit: $0, reward: 0.9, time: time) }
          + (Array(1...10) + Array(14...16)).map { path in
            RewardSample(version: 2, unit: path, reward: path <= 10 ? 0.1 : 0.9, time: time)
          }, at: time)
      verdict = watch.check(at: time)
    }
    let said = try #require(verdict)
    #expect(said.comparison == .sideBySide && said.unit == unit)
    #expect(abs(try #require(said.newMean) - newMean) < 1e-9)
    #expect(said.outcome == (unit == .flow ? .worse : .accepted))
  }

  // MARK: The reward of congestion control

  private func mean(_ batch: Batch, _ reward: inout CongestionReward) -> Double {
    let rewards = reward.rewards(of: batch.samples).map(\.reward)
    return rewards.reduce(0, +) / Double(rewards.count)
  }

  @Test("a busy path is full whatever its rate, so a capacity that fell costs nothing")
  func capacity() {
    var reward = CongestionReward()
    let before = mean(LearningCases.path(megabits: 100, milliseconds: 40, queue: 0.3), &reward)
    let after = mean(LearningCases.path(megabits: 10, milliseconds: 40, queue: 0.3, seconds: 1), &reward)
    // Intervals that happen to have no queue count by their rate; there are few of them.
    #expect(after > before - 0.2)
  }

  @Test("a sender that leaves the path idle, delays it or loses is worth less")
  func worse() {
    var reward = CongestionReward()
    let good = mean(LearningCases.path(megabits: 100, milliseconds: 40, queue: 0.06), &reward)
    let idle = mean(LearningCases.path(megabits: 40, milliseconds: 40, queue: 0, seconds: 1), &reward)
    let slow = mean(LearningCases.path(megabits: 100, milliseconds: 40, queue: 1, seconds: 2), &reward)
    let lossy = mean(
      LearningCases.path(megabits: 100, milliseconds: 40, queue: 0.06, loss: 0.2, seconds: 3), &reward)
    #expect(good > 0.9)
    #expect(idle < good - 0.4)
    #expect(slow < good - 0.2)
    #expect(lossy < good - 0.1)
  }

  @Test("flows that share a path are not punished for their share")
  func sharing() {
    var reward = CongestionReward()
    let one = mean(LearningCases.path(megabits: 100, milliseconds: 40, queue: 0), &reward)
    let four = mean(
      LearningCases.path(megabits: 100, milliseconds: 40, queue: 0, flows: 4, seconds: 3), &reward)
    #expect(abs(four - one) < 0.15)
  }

  @Test("flows that come one after another each had the whole path")
  func oneAfterAnother() {
    var reward = CongestionReward()
    let mean = mean(
      PathEstimateTests.oneAfterAnother(flows: 40, megabits: 100, milliseconds: 10), &reward)
    #expect(mean > 0.9, "\(mean)")
    let next = self.mean(
      LearningCases.path(megabits: 100, milliseconds: 10, queue: 0, samples: 8, seconds: 2.5), &reward)
    #expect(next > 0.85, "\(next)")
  }

  @Test("samples of another function, or without a round trip, have no reward")
  func none() {
    var reward = CongestionReward()
    #expect(reward.rewards(of: LearningCases.labeled(batches: 1)[0].samples).isEmpty)
    var sample = LearningCases.path(megabits: 1, milliseconds: 1).samples[0]
    sample.outcomes[3] = 0
    #expect(reward.rewards(of: [sample]).isEmpty)
    var outcome = OutcomeReward(index: 1)
    #expect(outcome.rewards(of: LearningCases.labeled(batches: 1, samples: 9)[0].samples).count == 9)
    outcome = OutcomeReward(index: 2)
    #expect(outcome.rewards(of: LearningCases.labeled(batches: 1)[0].samples).isEmpty)
  }
}
