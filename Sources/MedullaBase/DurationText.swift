/// Lengths of time as they are printed.
package enum DurationText {
  /// In the largest unit that leaves a whole number, such as `100ms`.
  package static func text(_ duration: Duration) -> String {
    let parts = duration.components
    let nanoseconds = Double(parts.seconds) * 1e9 + Double(parts.attoseconds / 1_000_000_000)
    guard nanoseconds != 0 else { return "0s" }
    for unit in Quantity.times.reversed() {
      let count = nanoseconds / unit.factor
      if count == count.rounded(), abs(count) < 1e15 { return "\(Int64(count))\(unit.name)" }
    }
    return "\(nanoseconds)ns"
  }

  /// For people who read a line of log: two or three digits and a unit, such as `1.5s`.
  package static func short(seconds: Double) -> String {
    guard seconds.isFinite, seconds >= 0 else { return "?" }
    let nanoseconds = seconds * 1e9
    let unit = Quantity.times.last { nanoseconds >= $0.factor } ?? Quantity.times[0]
    let tenths = (nanoseconds / unit.factor * 10).rounded() / 10
    return tenths == tenths.rounded() && tenths < 1e15
      ? "\(Int64(tenths))\(unit.name)" : "\(tenths)\(unit.name)"
  }
}
