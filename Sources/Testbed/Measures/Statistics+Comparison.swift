import MedullaBase

extension Statistics {
  /// Standard deviation of a sample (n − 1); 0 of fewer than two.
  package static func deviation(_ values: [Double]) -> Double {
    guard values.count > 1 else { return 0 }
    let mean = mean(values)
    return (values.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(values.count - 1)).squareRoot()
  }

  /// Half of the 95% confidence interval of the mean, by Student's t; nil of fewer than two.
  package static func halfInterval(_ values: [Double]) -> Double? {
    guard values.count > 1 else { return nil }
    let quantile = StudentDistribution(freedom: Double(values.count - 1)).quantile(above: 0.025)
    return quantile * deviation(values) / Double(values.count).squareRoot()
  }

  /// Slope of the least-squares line through (x, y); 0 when all x are equal.
  package static func slope(_ points: [(x: Double, y: Double)]) -> Double {
    let (x, y) = (mean(points.map(\.x)), mean(points.map(\.y)))
    let spread = points.reduce(0) { $0 + ($1.x - x) * ($1.x - x) }
    guard spread > 0 else { return 0 }
    return points.reduce(0) { $0 + ($1.x - x) * ($1.y - y) } / spread
  }
}
