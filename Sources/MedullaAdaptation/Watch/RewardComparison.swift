import MedullaBase

/// Whether a reward has fallen from one side to another by more than chance, where rewards hang together.
///
/// Slices of one unit follow each other, and units of one time meet the same network, so that neither is a
/// fresh observation. Two tests allow for that, each for one of the ways; where both can be asked, the one
/// that is less sure decides.
struct RewardComparison: Sendable, Equatable {
  let first: Double
  let second: Double
  /// The probability of such a fall, or a larger one, between sides that do not differ.
  let probability: Double

  /// The fall as a part of the first mean; negative: a rise.
  var loss: Double { (first - second) / max(abs(first), Self.leastMean) }

  /// A mean closer to 0 is no measure of a fall.
  static let leastMean = 0.05
  /// Pieces that each side must have.
  static let leastPieces = 6
  /// Units that both sides together must have for a comparison between them.
  static let leastUnits = 4
  /// Slices that each side must have, and both together, for a comparison over time.
  static let leastSlices = (each: 3, both: 10)

  /// Different units over the same time; nil: there are too few.
  static func sideBySide(_ old: RewardSide, _ new: RewardSide) -> RewardComparison? {
    guard old.pieces.count >= leastPieces, new.pieces.count >= leastPieces else { return nil }
    return betweenUnits(old.units, new.units)
  }

  /// One time after another; where units are in both, these alone.
  static func beforeAfter(_ before: RewardSide, _ after: RewardSide) -> RewardComparison? {
    guard before.pieces.count >= leastPieces, after.pieces.count >= leastPieces else { return nil }
    let both = before.groups.intersection(after.groups)
    let same = (before.filter { both.contains($0.group) }, after.filter { both.contains($0.group) })
    if same.0.pieces.count >= leastPieces, same.1.pieces.count >= leastPieces,
      let comparison = overTime(same.0.series, same.1.series)
    {
      return comparison
    }
    guard let overTime = overTime(before.series, after.series) else { return nil }
    guard let units = betweenUnits(before.units, after.units), units.probability > overTime.probability else {
      return overTime
    }
    return units
  }

  /// Each unit is one observation, however many slices it has (a test robust to clusters): Student's t of two
  /// samples with the variance of both, as snapshots that are the same have it. With few units its degrees of
  /// freedom are few, and it is careful by itself.
  private static func betweenUnits(_ first: [Double], _ second: [Double]) -> RewardComparison? {
    guard !first.isEmpty, !second.isEmpty, first.count + second.count >= leastUnits else { return nil }
    let (a, b) = (RewardSide.mean(first), RewardSide.mean(second))
    let freedom = Double(first.count + second.count - 2)
    let squares = (residuals(first) + residuals(second)).reduce(0) { $0 + $1 * $1 }
    let variance = squares / freedom * (1 / Double(first.count) + 1 / Double(second.count))
    return RewardComparison(a, b, variance: variance, freedom: freedom)
  }

  /// The slices are a series of which neighbours correlate (an autoregressive process of the first order).
  ///
  /// The correlation is estimated from the deviations from each side's mean, freed of the bias that it has in
  /// short series (Marriott and Pope, 1954), and taken two and a half deviations larger: what is taken too
  /// small makes false alarms. With it go the variance of a slice, which deviations from a mean of few slices
  /// underestimate, and that of the difference of both means.
  private static func overTime(_ first: [Double], _ second: [Double]) -> RewardComparison? {
    let count = first.count + second.count
    guard min(first.count, second.count) >= leastSlices.each, count >= leastSlices.both else { return nil }
    let deviations = (residuals(first), residuals(second))
    let squares = (deviations.0 + deviations.1).reduce(0) { $0 + $1 * $1 }
    let (a, b) = (RewardSide.mean(first), RewardSide.mean(second))
    guard squares > 0 else { return RewardComparison(a, b, variance: 0, freedom: 1) }
    let neighbours = neighbours(deviations.0) + neighbours(deviations.1)
    let total = Double(count)
    let raw = neighbours / squares * total / (total - 2)
    let unbiased = min(max(raw + (1 + 3 * raw) / (total - 2), -1), 1)
    let largest = unbiased + 2.5 * ((1 - unbiased * unbiased) / total).squareRoot()
    let correlation = min(max(largest, 0), mostCorrelation)
    let inflation = (inflation(first.count, correlation), inflation(second.count, correlation))
    let slice = squares / max(total - inflation.0 - inflation.1, 1e-3)
    let variance =
      slice
      * (inflation.0 / Double(first.count) + inflation.1 / Double(second.count)
        - 2 * between(first.count, second.count, correlation))
    return RewardComparison(a, b, variance: variance, freedom: total - 2)
  }

  /// At 1 no number of slices would say anything.
  private static let mostCorrelation = 0.97

  /// By how much the variance of a mean of so many neighbours is larger than of independent values.
  private static func inflation(_ count: Int, _ correlation: Double) -> Double {
    var (sum, power) = (1.0, 1.0)
    for distance in 1..<max(count, 2) {
      power *= correlation
      sum += 2 * (1 - Double(distance) / Double(count)) * power
    }
    return sum
  }

  /// The covariance of the means of two series that follow each other, in variances of a value.
  private static func between(_ first: Int, _ second: Int, _ correlation: Double) -> Double {
    func powers(_ count: Int) -> Double {
      var (sum, power) = (0.0, 1.0)
      for _ in 0..<count {
        sum += power
        power *= correlation
      }
      return sum
    }
    return correlation * powers(first) * powers(second) / Double(first * second)
  }

  private static func residuals(_ values: [Double]) -> [Double] {
    let mean = RewardSide.mean(values)
    return values.map { $0 - mean }
  }

  private static func neighbours(_ values: [Double]) -> Double {
    zip(values, values.dropFirst()).reduce(0) { $0 + $1.0 * $1.1 }
  }

  private init(_ first: Double, _ second: Double, variance: Double, freedom: Double) {
    self.first = first
    self.second = second
    probability =
      variance > 0
      ? StudentDistribution(freedom: freedom).probability(above: (first - second) / variance.squareRoot())
      : first > second ? 0 : 1
  }
}
