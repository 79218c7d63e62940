/// Errors of a set of outputs, in the outputs' units and as a part of each output's range.
package struct ErrorStatistics: Hashable, Sendable, Codable {
  package let samples: Int
  package let mean: Double
  package let p99: Double
  package let maximum: Double
  package let meanRelative: Double
  package let p99Relative: Double
  package let maximumRelative: Double

  /// - Parameters:
  ///   - errors: absolute errors, one array for each sample.
  ///   - ranges: the width of each output's range; the same length as each array.
  init(errors: [[Double]], ranges: [Double]) {
    samples = errors.count
    let absolute = errors.flatMap { $0 }
    let relative = errors.flatMap { zip($0, ranges).map { $0 / $1 } }
    mean = Self.mean(absolute)
    meanRelative = Self.mean(relative)
    p99 = Quantiles(absolute).value(at: 99)
    p99Relative = Quantiles(relative).value(at: 99)
    maximum = absolute.max() ?? 0
    maximumRelative = relative.max() ?? 0
  }

  private static func mean(_ values: [Double]) -> Double {
    values.isEmpty ? 0 : values.reduce(0, +) / Double(values.count)
  }
}
