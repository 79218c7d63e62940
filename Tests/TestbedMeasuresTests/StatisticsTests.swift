import MedullaBase
import Testing

@testable import TestbedLink
@testable import TestbedMeasures

@Suite("Statistics")
struct StatisticsTests {
  @Test(
    "Jain's index is 1 for equal shares and 1/n when one flow has everything",
    arguments: [
      ([5, 5, 5, 5], 1), ([8, 0, 0, 0], 0.25), ([3, 1], 0.8), ([], 1), ([0, 0], 1), ([7], 1),
    ] as [([Double], Double)])
  func jain(shares: [Double], index: Double) {
    #expect(abs(Statistics.jain(shares) - index) < 1e-12)
  }

  @Test(
    "quantiles are linear between ranks",
    arguments: [(0.0, 1.0), (1, 4), (0.5, 2.5), (0.25, 1.75), (0.95, 3.85), (2, 4), (-1, 1)]
      as [(Double, Double)])
  func quantile(fraction: Double, value: Double) {
    #expect(abs(Statistics.quantile([4, 2, 1, 3], fraction) - value) < 1e-12)
  }

  @Test("nothing has a mean and quantiles of 0")
  func empty() {
    #expect(Statistics.mean([]) == 0)
    #expect(Statistics.quantile([], 0.5) == 0)
  }

  @Test("histogram quantiles lie within a bucket's width of the exact ones")
  func histogram() {
    var generator = SeededGenerator(seed: 7)
    var histogram = DelayHistogram()
    var values: [Double] = []
    for _ in 0..<10_000 {
      let nanoseconds = UInt64(1000 * (1 + generator.unit() * generator.unit() * 1e5))
      histogram.record(nanoseconds)
      values.append(Double(nanoseconds))
    }
    for fraction in [0.05, 0.5, 0.95, 0.99] {
      let exact = Statistics.quantile(values, fraction)
      #expect(abs(histogram.quantile(fraction) - exact) < exact * 0.035 + 1024, "seed 7, \(fraction)")
    }
    #expect(abs(histogram.meanNanoseconds - Statistics.mean(values)) < 1)
    #expect(histogram.quantile(1) <= Double(histogram.maximumNanoseconds))
  }

  @Test(
    "every duration falls into a bucket whose middle is near it", arguments: [0, 1, 10, 20, 30, 36, 50, 63])
  func buckets(power: Int) {
    for value in [UInt64(1) << power, (UInt64(1) << power) &* 3 / 2] {
      let middle = DelayHistogram.middle(DelayHistogram.bucket(value))
      let shown = min(Double(value), Double((1 << 26) - 1) * 1024)
      #expect(abs(middle - shown) <= max(1024, shown / 32))
    }
  }
}
