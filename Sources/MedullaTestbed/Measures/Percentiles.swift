/// Mean and quantiles of a quantity, in the unit of its name.
public struct Percentiles: Codable, Equatable, Sendable {
  public var mean: Double
  public var p50: Double
  public var p95: Double
  public var p99: Double

  /// Zeros of nothing.
  public init(_ values: [Double]) {
    mean = Statistics.mean(values)
    p50 = Statistics.quantile(values, 0.5)
    p95 = Statistics.quantile(values, 0.95)
    p99 = Statistics.quantile(values, 0.99)
  }

  /// In milliseconds.
  public init(_ delay: DelaySummary) {
    (mean, p50) = (delay.meanMilliseconds, delay.p50Milliseconds)
    (p95, p99) = (delay.p95Milliseconds, delay.p99Milliseconds)
  }
}
