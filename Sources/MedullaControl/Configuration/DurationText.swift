/// Lengths of time as people write them: a number and a unit, such as `100ms`, `1.5s` or `30d`.
public enum DurationText {
  /// Units with their length in nanoseconds, shortest first.
  static let units: [(name: String, nanoseconds: Double)] = [
    ("ns", 1), ("us", 1e3), ("ms", 1e6), ("s", 1e9), ("m", 60e9), ("h", 3_600e9), ("d", 86_400e9),
  ]
  /// The longest that is taken: a hundred years.
  static let limitNanoseconds = 36_525 * 86_400e9

  /// nil when the text is none, is negative or longer than a hundred years.
  public static func parse(_ text: String) -> Duration? {
    guard text.utf8.count <= 32 else { return nil }
    let number = text.prefix { $0.isASCII && ($0.isNumber || $0 == ".") }
    let name = text.dropFirst(number.count).drop { $0 == " " }
    guard let value = Double(number), let unit = units.first(where: { $0.name == name }) else { return nil }
    let nanoseconds = (value * unit.nanoseconds).rounded()
    guard nanoseconds >= 0, nanoseconds <= limitNanoseconds else { return nil }
    return .nanoseconds(Int64(nanoseconds))
  }

  /// In the largest unit that leaves a whole number, such as `100ms`.
  public static func text(_ duration: Duration) -> String {
    let parts = duration.components
    let nanoseconds = Double(parts.seconds) * 1e9 + Double(parts.attoseconds / 1_000_000_000)
    guard nanoseconds != 0 else { return "0s" }
    for unit in units.reversed() {
      let count = nanoseconds / unit.nanoseconds
      if count == count.rounded(), abs(count) < 1e15 { return "\(Int64(count))\(unit.name)" }
    }
    return "\(nanoseconds)ns"
  }

  /// For people who read a line of log: two or three digits and a unit, such as `1.5s`.
  public static func short(seconds: Double) -> String {
    guard seconds.isFinite, seconds >= 0 else { return "?" }
    let nanoseconds = seconds * 1e9
    let unit = units.last { nanoseconds >= $0.nanoseconds } ?? units[0]
    let tenths = (nanoseconds / unit.nanoseconds * 10).rounded() / 10
    return tenths == tenths.rounded() && tenths < 1e15
      ? "\(Int64(tenths))\(unit.name)" : "\(tenths)\(unit.name)"
  }
}

extension Duration {
  /// As a number.
  var inSeconds: Double {
    Double(components.seconds) + Double(components.attoseconds) / 1e18
  }
}
