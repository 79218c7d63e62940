import MedullaBase
import Testing

@testable import MedullaAdaptation

/// Expected values are of SciPy 1.17.1 (`ttest_ind` and `t.sf`), and for series of neighbours of NumPy with
/// the whole correlation matrix in place of sums over distances.
@Suite("comparisons of rewards")
struct RewardComparisonTests {
  /// Values by unit, one for each slice from `start` on.
  private func side(_ units: [UInt64: [Double]], from start: Int64 = 0, version: UInt64 = 1) -> RewardSide {
    RewardSide(
      units.flatMap { unit, values in
        values.enumerated().map { slice, value in
          (
            RewardLedger.Key(slice: start + Int64(slice), version: version, group: unit),
            RewardLedger.Piece(sum: 2 * value, samples: 2)
          )
        }
      })
  }

  /// Three slices whose mean is the unit's.
  private func units(_ means: [Double], first: UInt64 = 1) -> RewardSide {
    side(
      Dictionary(
        uniqueKeysWithValues: means.enumerated().map {
          (first + UInt64($0), [$1 - 0.01, $1, $1 + 0.01])
        }))
  }

  /// Two units that differ, so that each slice is the mean of two pieces.
  private func series(_ means: [Double], from start: Int64 = 0) -> RewardSide {
    side([1: means.map { $0 - 0.05 }, 2: means.map { $0 + 0.05 }], from: start)
  }

  @Test(
    "tail probabilities agree with another implementation at any degree of freedom",
    arguments: [
      (0.5, 1, 0.352416382349567), (2.3, 3, 0.052494180322235), (-1.1, 4, 0.833458175226223),
      (0.05, 2, 0.482333368666561), (7, 2, 0.00990197059019657), (1.3, 17, 0.105475906943763),
      (-3.2, 9, 0.994584348705049), (0.9, 250.5, 0.184492313170507),
    ] as [(Double, Double, Double)])
  func tails(t: Double, freedom: Double, probability: Double) {
    #expect(abs(StudentDistribution(freedom: freedom).probability(above: t) - probability) < 1e-12)
  }

  @Test("near the middle of a distribution of many degrees of freedom the tail is as exact as its logarithms")
  func manyDegrees() {
    for (t, freedom, probability) in [(0.05, 1e6, 0.480061199154627), (0.3, 3e5, 0.382088681739181)] {
      #expect(abs(StudentDistribution(freedom: freedom).probability(above: t) - probability) < 1e-8)
    }
  }

  @Test("the incomplete beta function ends at 0 and 1")
  func ends() {
    #expect(StudentDistribution.incompleteBeta(0, 2, 0.5) == 0)
    #expect(StudentDistribution.incompleteBeta(-1, 2, 0.5) == 0)
    #expect(StudentDistribution.incompleteBeta(1, 2, 0.5) == 1)
    #expect(StudentDistribution.incompleteBeta(2, 2, 0.5) == 1)
  }

  @Test(
    "side by side is Student's test of two samples over the means of units",
    arguments: [
      ([0.9, 0.8], [0.7, 0.6], 0.85, 0.65, 0.052786404500042),
      ([0.9, 0.8, 0.85, 0.85], [0.7, 0.65], 0.85, 0.675, 0.00346207631147512),
      ([0.4, 0.5, 0.6], [0.9, 0.8, 0.7, 0.6], 0.5, 0.75, 0.980233601680687),
    ] as [([Double], [Double], Double, Double, Double)])
  func besides(old: [Double], new: [Double], first: Double, second: Double, probability: Double) throws {
    let said = try #require(RewardComparison.sideBySide(units(old), units(new, first: 100)))
    #expect(abs(said.first - first) < 1e-12 && abs(said.second - second) < 1e-12)
    #expect(abs(said.probability - probability) < 1e-9)
    #expect(abs(said.loss - (first - second) / first) < 1e-12)
  }

  @Test(
    "one time after another is judged by means of neighbours that hang together",
    arguments: [
      ([0.9, 0.8, 0.85, 0.95, 0.9, 0.87], [0.7, 0.75, 0.8, 0.72, 0.78, 0.7], 0.00842210981831106),
      ([0.9, 0.88, 0.86, 0.84, 0.82, 0.8, 0.82], [0.8, 0.78, 0.79, 0.76, 0.77], 0.118265571721078),
      ([0.5, 0.9, 0.4, 0.95, 0.45, 0.9], [0.6, 0.3, 0.7, 0.2], 0.0937609691416652),
      ([0.2, 0.2, 0.3], [0.9, 0.8, 0.9, 0.85, 0.8, 0.95, 0.9], 0.999999021145681),
      (
        [0.9, 0.1, 0.9, 0.1, 0.9, 0.1, 0.9, 0.1, 0.9, 0.1, 0.9, 0.1],
        [0.8, 0.05, 0.8, 0.05, 0.8, 0.05, 0.8, 0.05], 0.347110097343931
      ),
    ] as [([Double], [Double], Double)])
  func afterwards(before: [Double], after: [Double], probability: Double) throws {
    let said = try #require(
      RewardComparison.beforeAfter(series(before), series(after, from: Int64(before.count))))
    #expect(abs(said.first - before.reduce(0, +) / Double(before.count)) < 1e-12)
    #expect(abs(said.second - after.reduce(0, +) / Double(after.count)) < 1e-12)
    #expect(abs(said.probability - probability) < 1e-9, "\(said.probability)")
  }

  @Test("a comparison needs six pieces on each side, and four units in all when units are compared")
  func leastBeside() {
    let five = side([100: [1, 1, 1], 101: [1, 1]])
    #expect(RewardComparison.sideBySide(units([1, 1]), units([1, 1], first: 100)) != nil)
    #expect(RewardComparison.sideBySide(units([1, 1]), five) == nil)
    #expect(RewardComparison.sideBySide(five, units([1, 1])) == nil)
    #expect(RewardComparison.sideBySide(units([1, 1]), side([100: [1, 1, 1, 1, 1, 1]])) == nil)
    #expect(RewardComparison.sideBySide(units([1, 1, 1]), side([100: [1, 1, 1, 1, 1, 1]])) != nil)
    #expect(RewardComparison.sideBySide(side([1: [1, 1, 1, 1, 1, 1]]), units([1, 1, 1], first: 100)) != nil)
  }

  @Test("over time each side needs three slices, and both ten")
  func leastSlices() {
    /// Too few units to compare between them.
    func compared(_ before: Int, _ after: Int) -> Bool {
      RewardComparison.beforeAfter(
        series([Double](repeating: 1, count: before)),
        series([Double](repeating: 1, count: after), from: Int64(before))) != nil
    }
    #expect(compared(7, 3) && compared(3, 7) && compared(5, 5))
    #expect(!compared(6, 3) && !compared(3, 6))
    // Six pieces in two slices.
    let wide = side([1: [1, 1], 2: [1, 1], 3: [1, 1]])
    let long = side([1: [Double](repeating: 1, count: 9)], from: 2)
    #expect(RewardComparison.beforeAfter(wide, long) == nil)
    #expect(RewardComparison.beforeAfter(long, wide) == nil)
  }

  @Test("rewards that do not vary differ for sure, or not at all")
  func constant() throws {
    func probability(_ before: Double, _ after: Double) throws -> Double {
      try #require(
        RewardComparison.beforeAfter(
          side([1: [Double](repeating: before, count: 6)]),
          side([1: [Double](repeating: after, count: 6)], from: 6))
      ).probability
    }
    #expect(try probability(0.75, 0.5) == 0)
    #expect(try probability(0.5, 0.5) == 1)
    #expect(try probability(0.5, 0.75) == 1)
  }

  @Test("units that are on both sides are compared alone, when they have enough pieces")
  func sameUnits() throws {
    let noisy = [0.9, 0.8, 0.85, 0.95, 0.9, 0.87]
    let lower = [0.7, 0.75, 0.8, 0.72, 0.78, 0.7]
    let said = try #require(
      RewardComparison.beforeAfter(
        side([1: noisy, 2: [0.1, 0.1, 0.1]]), side([1: lower, 3: [0.2, 0.2]], from: 6)))
    #expect(abs(said.probability - 0.00842210981831106) < 1e-9)
    // Five pieces of it are too few on either side: then all count.
    for (first, second) in [
      (Array(noisy.prefix(5)), lower + [0.7]), (noisy + [0.9], Array(lower.prefix(5))),
    ] {
      let all = try #require(
        RewardComparison.beforeAfter(
          side([1: first, 2: [0.1, 0.1]]), side([1: second, 3: [0.2, 0.2]], from: 7))
      )
      #expect(all.first < 0.8, "the other unit's are in the mean: \(all.first)")
    }
  }

  @Test("where units and time can both be asked, the less sure of both decides")
  func lessSure() throws {
    // Units that differ much say little; over time it is clear. And the other way round.
    let spread = (
      side([1: [0.9, 0.9, 0.9, 0.9, 0.9], 2: [0.1, 0.1, 0.1, 0.1, 0.1]]),
      side([3: [0.8, 0.8, 0.8, 0.8, 0.8], 4: [0, 0, 0, 0, 0]], from: 5)
    )
    let units = try #require(RewardComparison.beforeAfter(spread.0, spread.1))
    #expect(units.probability > 0.4 && units.probability < 0.5)
    let waves = (
      side([1: [0.9, 0.1, 0.9, 0.1, 0.9], 2: [0.9, 0.1, 0.9, 0.1, 0.9]]),
      side([3: [0.1, 0.8, 0.1, 0.8, 0.1], 4: [0.1, 0.8, 0.1, 0.8, 0.1]], from: 5)
    )
    let time = try #require(RewardComparison.beforeAfter(waves.0, waves.1))
    #expect(time.probability > 0.05 && time.probability < 0.5)
  }

  @Test("a fall is a part of the mean before, or of the least that is a measure")
  func loss() throws {
    func loss(_ before: Double, _ after: Double) throws -> Double {
      try #require(
        RewardComparison.beforeAfter(
          side([1: [Double](repeating: before, count: 6)]),
          side([1: [Double](repeating: after, count: 6)], from: 6))
      ).loss
    }
    #expect(abs(try loss(0.5, 0.4) - 0.2) < 1e-12)
    #expect(abs(try loss(-0.5, -0.6) - 0.2) < 1e-12)
    #expect(abs(try loss(0.01, 0) - 0.2) < 1e-12)
    #expect(abs(try loss(0.5, 0.6) + 0.2) < 1e-12)
  }
}
