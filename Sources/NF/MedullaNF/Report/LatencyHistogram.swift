/// Durations in buckets whose width is at most a sixteenth of their value, in constant memory.
package struct LatencyHistogram: Sendable, Equatable {
  private static let fraction = 4
  private static let bucketCount = (65 - fraction) << fraction

  private var buckets = ContiguousArray<UInt64>(repeating: 0, count: Self.bucketCount)
  package private(set) var count: UInt64 = 0

  package init() {}

  @inline(__always)
  private static func bucket(_ nanoseconds: UInt64) -> Int {
    let exponent = 63 - (nanoseconds | 1).leadingZeroBitCount
    guard exponent >= fraction else { return Int(nanoseconds) }
    return (exponent - fraction + 1) << fraction
      + Int(nanoseconds >> UInt64(exponent - fraction)) & ((1 << fraction) - 1)
  }

  /// The least value of a bucket.
  private static func value(_ bucket: Int) -> UInt64 {
    guard bucket >> fraction > 0 else { return UInt64(bucket) }
    let exponent = bucket >> fraction + fraction - 1
    return 1 << UInt64(exponent) | UInt64(bucket & ((1 << fraction) - 1)) << UInt64(exponent - fraction)
  }

  @inline(__always)
  package mutating func add(_ nanoseconds: UInt64) {
    buckets[min(Self.bucket(nanoseconds), Self.bucketCount - 1)] &+= 1
    count &+= 1
  }

  package mutating func merge(_ other: LatencyHistogram) {
    for index in buckets.indices { buckets[index] &+= other.buckets[index] }
    count &+= other.count
  }

  /// What so large a part of all values lies below or at, in nanoseconds; nil: there are none.
  package func quantile(_ part: Double) -> UInt64? {
    guard count > 0 else { return nil }
    let wanted = UInt64((Double(count) * min(max(part, 0), 1)).rounded(.up))
    var sum: UInt64 = 0
    for (index, value) in buckets.enumerated() {
      sum += value
      if sum >= max(wanted, 1) { return Self.value(index) }
    }
    return nil
  }
}
