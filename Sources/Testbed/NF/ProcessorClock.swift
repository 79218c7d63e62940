import CHost
import MedullaBase

/// The rate of the processor's own counter, by which time becomes cycles.
package struct ProcessorClock: Sendable {
  package let cyclesPerMicrosecond: Double
  private static let interval: UInt64 = 20_000_000

  /// Looks at both clocks for a moment; nil: this processor has no such counter.
  package init?() {
    let (first, begin) = (medulla_processor_counter(), MonotonicClock.nanoseconds)
    guard first > 0 else { return nil }
    var end = begin
    while end - begin < Self.interval { end = MonotonicClock.nanoseconds }
    cyclesPerMicrosecond = Double(medulla_processor_counter() - first) / Double(end - begin) * 1e3
  }
}
