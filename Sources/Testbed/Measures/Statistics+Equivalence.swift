import MedullaBase

extension Statistics {
  /// How probable what was seen is at most if the mean lies outside of a range: two one-sided t tests
  /// (Schuirmann, "A comparison of the two one-sided tests procedure and the power approach for assessing the
  /// equivalence of average bioavailability", Journal of Pharmacokinetics and Biopharmaceutics 15, 1987).
  /// It is at most 0.05 just where the mean's 90% interval lies within the range. Of values that come in
  /// pairs these are the pairs' differences or ratios.
  ///
  /// - Returns: nil of fewer than two values, from which nothing follows.
  package static func nonEquivalence(_ values: [Double], within range: ClosedRange<Double>) -> Double? {
    guard values.count > 1 else { return nil }
    let error = deviation(values) / Double(values.count).squareRoot()
    return larger(mean(values), error: error, freedom: Double(values.count - 1), range)
  }

  /// The same of the difference of two groups' means, whose values do not come in pairs and whose variances
  /// may differ (Welch, "The generalization of `Student's' problem when several different population
  /// variances are involved", Biometrika 34, 1947).
  ///
  /// - Returns: nil where a group has fewer than two values.
  package static func nonEquivalence(
    _ first: [Double], _ second: [Double], within range: ClosedRange<Double>
  ) -> Double? {
    guard first.count > 1, second.count > 1 else { return nil }
    let parts = [first, second].map { values in
      let deviation = deviation(values)
      return (square: deviation * deviation / Double(values.count), freedom: Double(values.count - 1))
    }
    let sum = parts[0].square + parts[1].square
    let freedom = parts.reduce(0) { $0 + $1.square * $1.square / $1.freedom }
    return larger(
      mean(first) - mean(second), error: sum.squareRoot(),
      freedom: freedom > 0 ? sum * sum / freedom : parts[0].freedom, range)
  }

  /// The larger of the two tests' probabilities. Without any spread the value is what it is.
  private static func larger(
    _ value: Double, error: Double, freedom: Double, _ range: ClosedRange<Double>
  ) -> Double {
    guard error > 0 else { return value > range.lowerBound && value < range.upperBound ? 0 : 1 }
    let distribution = StudentDistribution(freedom: freedom)
    return max(
      distribution.probability(above: (value - range.lowerBound) / error),
      distribution.probability(above: (range.upperBound - value) / error))
  }
}
