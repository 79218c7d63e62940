import TestbedLink

/// Mean and quantiles of a quantity, in the unit of its name.
package struct Percentiles: Codable, Equatable, Sendable {
  package var mean: Double
  package var p50: Double
  package var p95: Double
  package var p99: Double

  /// Zeros of nothing.
  package init(_ values: [Double]) {
    mean = Statistics.mean(values)
    p50 = Statistics.quantile(values, 0.5)
    p95 = Statistics.quantile(values, 0.95)
    p99 = Statistics.quantile(values, 0.99)
  }

  /// In milliseconds.
  package init(_ delay: DelaySummary) {
    (mean, p50) = (delay.meanMilliseconds, delay.p50Milliseconds)
    (p95, p99) = (delay.p95Milliseconds, delay.p99Milliseconds)
  }
}
