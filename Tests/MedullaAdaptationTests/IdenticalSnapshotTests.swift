import InferenceCases
import MedullaBase
import MedullaDatapath
import Testing

@testable import MedullaAdaptation

/// The watch over a snapshot that is the same as the one before it, an A/A experiment: whatever it says is a
/// false alarm. Rewards hang together over time, as those of flows do: each flow's is an autoregressive
/// process of the first order, and the flows may have a part in common.
@Suite("The watch over identical snapshots")
struct IdenticalSnapshotTests {
  struct Case: Sendable, CustomTestStringConvertible {
    let testDescription: String
    let flows: Int
    /// Of these flows, those on the new version; nil: all of them, from the promotion on.
    var newFlows: Int?
    /// The part of the variance that all flows have in common.
    var common = 0.0
    /// Of differences between flows that last, in deviations of the process.
    var lasting = 0.0
    /// Whether the flows of before the promotion are gone after it.
    var isRenewed = false
  }

  static let cases = [
    Case(testDescription: "one flow that goes on", flows: 1),
    Case(testDescription: "two flows with a common part", flows: 2, common: 0.5),
    Case(testDescription: "eight flows side by side", flows: 8, newFlows: 4),
    Case(testDescription: "eight flows side by side in one queue", flows: 8, newFlows: 4, common: 0.8),
    Case(testDescription: "eight unlike flows side by side", flows: 8, newFlows: 4, lasting: 1),
    Case(testDescription: "one flow of each version", flows: 2, newFlows: 1, common: 0.5),
    Case(testDescription: "eight unlike flows after eight others", flows: 8, lasting: 1, isRenewed: true),
  ]
  static let runs: UInt64 = 300
  /// The constants of `RewardComparison` were chosen while looking at seeds from 1 on; these are others.
  static let firstSeed: UInt64 = 1_000_001

  /// The seeds of so many runs for which something holds.
  static func seeds(_ runs: UInt64, where holds: @Sendable (UInt64) -> Bool) throws -> [UInt64] {
    let seeds = Array(firstSeed..<firstSeed + runs)
    return zip(seeds, try seeds.concurrentMap { holds($0) }).filter(\.1).map(\.0)
  }

  static let mean = 0.9
  static let window = 10.0

  /// Values whose neighbours correlate by `correlation`, with mean 0 and variance 1.
  private struct Process {
    let correlation: Double
    var value: Double

    init(_ correlation: Double, _ generator: inout SeededGenerator) {
      self.correlation = correlation
      value = Self.normal(&generator)
    }

    mutating func next(_ generator: inout SeededGenerator) -> Double {
      let innovation = (1 - correlation * correlation).squareRoot() * Self.normal(&generator)
      value = correlation * value + innovation
      return value
    }

    /// Nearly: a sum of four uniform numbers.
    static func normal(_ generator: inout SeededGenerator) -> Double {
      var sum = 0.0
      for _ in 0..<4 { sum += Double.random(in: -1...1, using: &generator) }
      return sum * 0.75.squareRoot()
    }
  }

  /// - Parameters:
  ///   - deviation: of a flow's reward in a slice of time.
  ///   - loss: what the new version takes from the rewards of its flows.
  ///   - commonLoss: what it takes from those of all flows.
  private static func verdict(
    _ item: Case, correlation: Double, deviation: Double = 0.3, loss: Double = 0, commonLoss: Double = 0,
    seed: UInt64
  ) -> WatchVerdict? {
    var generator = SeededGenerator(seed: seed)
    var watch = RolloutWatch(WatchSettings(window: .seconds(window)), unit: .flow)
    var shared = Process(correlation, &generator)
    var flows = (0..<item.flows).map { _ in Process(correlation, &generator) }
    var levels = flows.map { _ in item.lasting * Process.normal(&generator) }
    let step = window / Double(RolloutWatch.slices)
    let begin = RolloutWatch.slices
    for slice in 0..<(begin + 2 * RolloutWatch.slices) {
      let time = Duration.seconds(100 + Double(slice) * step)
      let isAfter = slice >= begin
      if slice == begin {
        watch.begin(version: 2, at: time)
        if item.isRenewed { levels = levels.map { _ in item.lasting * Process.normal(&generator) } }
      }
      let common = shared.next(&generator) * item.common.squareRoot()
      let rewards = flows.indices.map { index in
        let isNew = isAfter && index < item.newFlows ?? item.flows
        let own = flows[index].next(&generator) * (1 - item.common).squareRoot()
        let taken = (isNew ? loss : 0) + (isAfter ? commonLoss : 0)
        return RewardSample(
          version: isNew ? 2 : 1, unit: UInt64(index + (item.isRenewed && isAfter ? 32 : 0)),
          reward: mean + deviation * (common + own + levels[index]) - taken, time: time)
      }
      watch.add(rewards, at: time)
      if let verdict = watch.check(at: time) { return verdict }
    }
    return nil
  }

  private static func isAlarm(_ verdict: WatchVerdict?) -> Bool {
    verdict.map { ![.accepted, .undecided].contains($0.outcome) } ?? false
  }

  @Test(
    "are taken back in two runs of a hundred at the most, however long rewards hang together",
    arguments: cases, [0.5, 0.8, 0.9])
  func falseAlarms(_ item: Case, correlation: Double) throws {
    let seeds = try Self.seeds(Self.runs) {
      Self.isAlarm(Self.verdict(item, correlation: correlation, seed: $0))
    }
    #expect(
      Double(seeds.count) <= 0.02 * Double(Self.runs),
      "\(seeds.count) of \(Self.runs) at correlation \(correlation): seeds \(seeds)")
  }

  /// As much as a network costs that leaves a path half idle, or fills its queue.
  @Test("a real harm is still found in nine runs of ten", arguments: cases.indices, [0, 0.5, 0.9])
  func power(index: Int, correlation: Double) throws {
    let item = Self.cases[index]
    // Flows that differ among themselves by as much as they vary need a larger harm to show it.
    let harm = item.lasting > 0 ? 0.8 : 0.5
    let runs: UInt64 = 100
    let missed = try Self.seeds(runs) {
      !Self.isAlarm(
        Self.verdict(item, correlation: correlation, deviation: 0.08, loss: harm, seed: $0))
    }
    #expect(missed.count <= 10, "\(missed.count) of \(runs) at correlation \(correlation): seeds \(missed)")
  }

  @Test(
    "a harm that all flows share, those of the old version too, is found", arguments: [2, 3, 4],
    [0, 0.5, 0.9])
  func common(index: Int, correlation: Double) throws {
    let runs: UInt64 = 100
    let missed = try Self.seeds(runs) {
      !Self.isAlarm(
        Self.verdict(
          Self.cases[index], correlation: correlation, deviation: 0.08, commonLoss: 0.8, seed: $0))
    }
    #expect(missed.count <= 10, "\(missed.count) of \(runs) at correlation \(correlation): seeds \(missed)")
  }
}
