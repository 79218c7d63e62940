/// Counts of durations in buckets of at most 1/32 relative width, from 1 µs to 68 s; constant memory.
struct DelayHistogram: Equatable, Sendable {
  private static let bucketCount = 736
  private var counts = [UInt64](repeating: 0, count: bucketCount)
  private(set) var total: UInt64 = 0
  private var sumNanoseconds: Double = 0
  private(set) var maximumNanoseconds: UInt64 = 0

  /// Records `weight` durations of `nanoseconds`.
  @inline(__always)
  mutating func record(_ nanoseconds: UInt64, weight: Int = 1) {
    let weight = UInt64(weight)
    counts[Self.bucket(nanoseconds)] &+= weight
    total &+= weight
    sumNanoseconds += Double(nanoseconds) * Double(weight)
    if nanoseconds > maximumNanoseconds { maximumNanoseconds = nanoseconds }
  }

  var meanNanoseconds: Double { total == 0 ? 0 : sumNanoseconds / Double(total) }

  /// The smallest bucket middle with at least `fraction` of the durations at or below it; 0 when empty.
  func quantile(_ fraction: Double) -> Double {
    guard total > 0 else { return 0 }
    let wanted = max(1, UInt64((Double(total) * fraction).rounded(.up)))
    var seen: UInt64 = 0
    for (bucket, count) in counts.enumerated() where count > 0 {
      seen += count
      if seen >= wanted { return min(Self.middle(bucket), Double(maximumNanoseconds)) }
    }
    return Double(maximumNanoseconds)
  }

  /// Units of 1,024 ns: 64 buckets of one unit, then 32 buckets for each doubling.
  @inline(__always)
  static func bucket(_ nanoseconds: UInt64) -> Int {
    let units = min(nanoseconds >> 10, (1 << 26) - 1)
    if units < 64 { return Int(units) }
    let shift = 58 - units.leadingZeroBitCount
    return 64 + (shift - 1) * 32 + Int(units >> UInt64(shift)) - 32
  }

  static func middle(_ bucket: Int) -> Double {
    if bucket < 64 { return (Double(bucket) + 0.5) * 1024 }
    let shift = (bucket - 64) / 32 + 1
    let low = (bucket - 64) % 32 + 32
    return (Double(low) + 0.5) * Double(1 << shift) * 1024
  }
}
