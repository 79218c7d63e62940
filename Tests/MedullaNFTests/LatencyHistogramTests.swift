import MedullaBase
import MedullaNF
import Testing

@Suite("The histogram of latencies")
struct LatencyHistogramTests {
  @Test(
    "a value is told as the least of its bucket, at most a sixteenth below it",
    arguments: [
      (0, 0), (1, 1), (15, 15), (16, 16), (17, 17), (31, 31), (32, 32), (33, 32), (34, 34), (63, 62),
      (64, 64), (67, 64), (1_000, 992), (1_000_000, 983_040), (1 << 40, 1 << 40), ((1 << 40) - 1, 31 << 35),
      (.max, 31 << 59),
    ] as [(UInt64, UInt64)])
  func value(_ value: UInt64, _ told: UInt64) {
    var histogram = LatencyHistogram()
    histogram.add(value)
    #expect(histogram.quantile(0.5) == told)
    #expect(told <= value && value - told <= value / 16)
  }

  @Test(
    "parts of many values are those of the sorted list, to a sixteenth",
    arguments: 1...4 as ClosedRange<UInt64>)
  func quantiles(_ seed: UInt64) throws {
    var generator = SeededGenerator(seed: seed)
    var (histogram, other) = (LatencyHistogram(), LatencyHistogram())
    let values = (0..<5_000).map { _ in UInt64(generator.logUniform(1...1e9)) }
    for (index, value) in values.enumerated() {
      if index % 3 == 0 { other.add(value) } else { histogram.add(value) }
    }
    histogram.merge(other)
    #expect(histogram.count == 5_000)
    let sorted = values.sorted()
    for part in [0, 0.001, 0.25, 0.5, 0.99, 0.999, 1] {
      let exact = sorted[max(Int((5_000 * part).rounded(.up)), 1) - 1]
      let told = try #require(histogram.quantile(part))
      #expect(told <= exact && exact - told <= exact / 16, "seed \(seed), part \(part)")
    }
  }

  @Test("of no values there is no part, and parts beyond all are the last")
  func ends() {
    var histogram = LatencyHistogram()
    #expect(histogram.quantile(0.5) == nil)
    histogram.add(7)
    #expect(histogram.quantile(-1) == 7 && histogram.quantile(2) == 7)
  }
}
