import MedullaBase
import MedullaDatapath
import Testing

@testable import MedullaAdaptation

// What decides, at its limits and one beyond.
extension WatchTests {
  @Test(
    "rewards of six slices of the last window are a baseline, those of five, of before or of later are none")
  func baseline() {
    func hasBaseline(_ seconds: [Double]) -> Bool {
      var watch = RolloutWatch(Self.settings, unit: .flow)
      watch.add(
        seconds.map { RewardSample(version: 1, unit: 1, reward: 1, time: .seconds($0)) }, at: .seconds(100))
      return watch.hasBaseline(at: .seconds(100))
    }
    // Slices of half a second; the window goes from 90 to 100 s, without the slice that begins then.
    #expect(hasBaseline([90, 91, 92, 93, 94, 95]))
    #expect(hasBaseline([95, 96, 97, 98, 99, 99.5]))
    #expect(!hasBaseline([95, 96, 97, 98, 99, 100]))
    #expect(!hasBaseline([91, 92, 93, 94, 95]))
    #expect(!hasBaseline([91, 91.1, 92, 93, 94, 95]))
    #expect(!hasBaseline([89, 91, 92, 93, 94, 95]))
    #expect(!hasBaseline([91, 92, 93, 94, 95, 101]))
  }

  @Test("six pieces of before the promotion are enough to hold the new version against, five are not")
  func fewBefore() throws {
    for count in [5, 6] {
      var watch = RolloutWatch(Self.settings, unit: .flow)
      watch.add(
        (0..<count).map { RewardSample(version: 1, unit: 1, reward: 0.9, time: .seconds(92 + $0)) },
        at: .seconds(98))
      watch.begin(version: 2, at: .seconds(100))
      let verdict = try #require(feed(&watch, from: 100, to: 115, version: 2, mean: 0.2))
      #expect(verdict.outcome == (count == 6 ? .worse : .undecided), "\(count)")
    }
  }

  @Test("what another process has begun goes on with six rewards from before it, and with five without any")
  func takenOver() throws {
    for count in [5, 6] {
      var watch = RolloutWatch(Self.settings, unit: .flow)
      let before = RewardSide(
        (0..<count).map { _ in
          BatchStatistics(
            seconds: 1, batches: 1, samples: 10, flows: 1, dropped: 0, discarded: 0, rewardMean: 0.9)
        })
      watch.takeOver(version: 2, at: .seconds(100), rewards: before)
      let verdict = try #require(feed(&watch, from: 100, to: 115, version: 2, mean: 0.2))
      #expect(verdict.outcome == (count == 6 ? .worse : .undecided), "\(count)")
      #expect(verdict.reason?.contains("lost") == (count == 6 ? nil : true), "\(count)")
    }
  }

  /// Constant rewards: 1 before, 0.5 with version 2 for all, and taken back at 103 s.
  private func fallen(_ settings: WatchSettings = WatchTests.settings) -> RolloutWatch {
    var watch = RolloutWatch(settings, unit: .flow)
    _ = feed(&watch, from: 90, to: 100, version: 1, mean: 1, noise: 0)
    watch.begin(version: 2, at: .seconds(100))
    var verdict: WatchVerdict?
    for step in 0..<150 where verdict == nil {
      let time = 100 + Double(step) / 10
      verdict =
        feed(&watch, from: time, to: time + 0.1, version: 1, mean: 0.5, noise: 0)
        ?? feed(&watch, from: time, to: time + 0.1, version: 2, mean: 0.5, noise: 0)
    }
    #expect(verdict?.outcome == .fell)
    watch.takeBack(at: .seconds(103))
    return watch
  }

  @Test(
    "with a tenth of the rewards on it or fewer, and six pieces beside, what recovers is told",
    arguments: [
      // Pieces of old and new in the last half of the window, the old ones' reward, and what is said.
      (6, 0, 1, .worse), (5, 0, 1, nil), (9, 1, 1, .worse), (8, 1, 1, nil), (9, 1, 0.75, .acquitted),
      (9, 0, 0.75, .acquitted), (9, 0, 0.7500001, .worse), (9, 0, 0.5, .acquitted),
    ] as [(Int, Int, Double, WatchVerdict.Outcome?)])
  func recoveryShare(old: Int, new: Int, reward: Double, outcome: WatchVerdict.Outcome?) {
    var watch = fallen()
    func add(_ count: Int, version: UInt64, _ reward: Double) {
      watch.add(
        (0..<count).map {
          RewardSample(
            version: version, unit: UInt64($0) + version * 100, reward: reward, time: .seconds(110))
        }, at: .seconds(110))
    }
    add(old, version: 1, reward)
    add(new, version: 2, 0.5)
    #expect(watch.check(at: .seconds(113))?.outcome == outcome)
  }

  @Test("a loss of just the limit counts for nothing, and chance is told by an eighth of the significance")
  func limits() throws {
    for (loss, significance, outcome) in [
      (0.25, 0.01, WatchVerdict.Outcome.accepted), (0.2499, 0.01, .worse), (0.2499, 0, .accepted),
    ] {
      var watch = RolloutWatch(
        WatchSettings(window: .seconds(10), loss: loss, significance: significance), unit: .flow)
      _ = feed(&watch, from: 90, to: 100, version: 1, mean: 1, noise: 0)
      watch.begin(version: 2, at: .seconds(100))
      let verdict = try #require(feed(&watch, from: 100, to: 115, version: 2, mean: 0.75, noise: 0))
      #expect(verdict.outcome == outcome)
      #expect(verdict.significance == significance / 8 && verdict.probability == 0)
      #expect(verdict.relativeLoss == 0.25)
    }
  }

  @Test("whether rewards recover is told a window after the snapshot was taken back, and not before")
  func recoveryTime() {
    var watch = RolloutWatch(Self.settings, unit: .flow)
    _ = feed(&watch, from: 90, to: 100, version: 1, mean: 0.9)
    watch.begin(version: 2, at: .seconds(100))
    var verdict: WatchVerdict?
    for step in 0..<150 where verdict == nil {
      let time = 100 + Double(step) / 10
      verdict =
        feed(&watch, from: time, to: time + 0.1, version: 1, mean: 0.4, seed: UInt64(step))
        ?? feed(&watch, from: time, to: time + 0.1, version: 2, mean: 0.4, seed: UInt64(step) + 999)
    }
    #expect(verdict?.outcome == .fell)
    watch.takeBack(at: .seconds(103))
    for second in 104...112 {
      watch.add(
        (0..<4).map {
          RewardSample(version: 1, unit: $0, reward: 0.9, time: .seconds(second))
        }, at: .seconds(second))
      #expect(watch.check(at: .seconds(second)) == nil)
    }
    #expect(watch.check(at: .milliseconds(112_999)) == nil)
    #expect(watch.check(at: .seconds(113))?.outcome == .worse)
  }
}
