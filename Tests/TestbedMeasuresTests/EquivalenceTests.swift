import MedullaBase
import Testing

@testable import TestbedMeasures

/// Expected values are SciPy's (1.17): `stats.t.ppf`, `stats.t.sf`, and the larger of two one-sided tests by
/// `stats.ttest_1samp` and `stats.ttest_ind(equal_var=False)`.
@Suite("Student's distribution and tests of equivalence")
struct EquivalenceTests {
  @Test(
    "quantiles are those of the tables, for few degrees of freedom and for many",
    arguments: [
      (1, 12.706204736175), (2, 4.302652729749), (4, 2.776445105198), (9, 2.262157162798),
      (30, 2.042272456301), (31, 2.039513446396), (100, 1.983971518524),
    ] as [(Double, Double)])
  func quantiles(freedom: Double, value: Double) {
    let distribution = StudentDistribution(freedom: freedom)
    #expect(abs(distribution.quantile(above: 0.025) - value) < 1e-9)
    #expect(abs(distribution.probability(above: value) - 0.025) < 1e-9)
    #expect(abs(distribution.probability(above: -value) - 0.975) < 1e-9)
  }

  @Test("degrees of freedom need not be whole, and what is beyond all values is not exceeded")
  func tails() {
    #expect(abs(StudentDistribution(freedom: 3.7).probability(above: 2) - 0.06090860095261699) < 1e-12)
    #expect(abs(StudentDistribution(freedom: 5).probability(above: -1) - 0.8183912661754386) < 1e-12)
    #expect(StudentDistribution(freedom: 5).probability(above: .infinity) == 0)
    #expect(StudentDistribution(freedom: 5).probability(above: -.infinity) == 1)
    #expect(StudentDistribution(freedom: 7).probability(above: 0) == 0.5)
  }

  @Test("two one-sided tests give the probabilities of the textbook's tests, in pairs and by Welch")
  func known() throws {
    let ratios = [1.002, 0.997, 1.004, 0.999, 1.001]
    let paired = try #require(Statistics.nonEquivalence(ratios, within: 0.99...1.01))
    #expect(abs(paired - 0.0007360855388867341) < 1e-12)
    let few = try #require(Statistics.nonEquivalence([0.3, -0.8, 1.1], within: -1...1))
    #expect(abs(few - 0.14175113958408075) < 1e-12)
    let welch = try #require(
      Statistics.nonEquivalence([10.1, 9.8, 10.4, 10.0, 9.9], [10.2, 10.6, 9.7, 10.3], within: -1...1))
    #expect(abs(welch - 0.006064725040765531) < 1e-12)
  }

  @Test("a single value shows nothing, and values without any spread are judged as they are")
  func edges() {
    #expect(Statistics.nonEquivalence([1], within: 0.9...1.1) == nil)
    #expect(Statistics.nonEquivalence([1], [1, 1], within: -1...1) == nil)
    #expect(Statistics.nonEquivalence([1, 1], within: 0.9...1.1) == 0)
    #expect(Statistics.nonEquivalence([1.1, 1.1], within: 0.9...1.1) == 1)
    #expect(Statistics.nonEquivalence([2, 2], [4, 4], within: -1...1) == 1)
  }

  @Test("it is 5% just where the 90% interval touches the margin")
  func interval() throws {
    let values = [0.4, -0.1, 0.3, 0.2, -0.2, 0.6]
    let half =
      StudentDistribution(freedom: 5).quantile(above: 0.05) * Statistics.deviation(values)
      / 6.0.squareRoot()
    let edge = Statistics.mean(values) + half
    let probability = try #require(Statistics.nonEquivalence(values, within: -9...edge))
    #expect(abs(probability - 0.05) < 1e-9)
  }

  /// Part of 2,000 draws that pass at 5%: rounds of a normal difference with a mean and a deviation of 1.
  private func passing(_ rounds: Int, mean: Double, margin: Double, seed: UInt64) -> Double {
    var generator = SeededGenerator(seed: seed)
    let draws = 2_000
    let passed = (0..<draws).count { _ in
      let values = (0..<rounds).map { _ in mean + generator.normal() }
      return (Statistics.nonEquivalence(values, within: -margin...margin) ?? 1) <= 0.05
    }
    return Double(passed) / Double(draws)
  }

  @Test("noise of the margin's size passes no more than 5% of the time, however few the rounds")
  func noise() {
    for rounds in [2, 3, 5, 10] {
      #expect(passing(rounds, mean: 1, margin: 1, seed: 11) <= 0.065, "seed 11, \(rounds) rounds")
    }
    // Equal groups, but noise and few rounds: nothing is shown.
    for rounds in [2, 3] {
      #expect(passing(rounds, mean: 0, margin: 0.5, seed: 12) <= 0.05, "seed 12, \(rounds) rounds")
    }
  }

  @Test("enough rounds show that equal groups are alike")
  func power() {
    #expect(passing(30, mean: 0, margin: 1, seed: 13) > 0.95)
  }
}
