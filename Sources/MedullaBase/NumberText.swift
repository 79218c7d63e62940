import Glibc

/// Numbers as they are printed for people.
package enum NumberText {
  /// Up to three significant digits.
  package static func short(_ value: Double) -> String {
    guard value.isFinite else { return "\(value)" }
    if value == value.rounded(), abs(value) < 1e6 { return String(Int(value)) }
    let scale =
      Double(sign: .plus, exponent: 0, significand: 1)
      * power(of: 10, 2 - Int(log10(abs(value)).rounded(.down)))
    let rounded = (value * scale).rounded() / scale
    return rounded == rounded.rounded() && abs(rounded) < 1e15 ? String(Int(rounded)) : "\(rounded)"
  }

  /// A size with up to three significant digits: `640 B`, `8.39 MB`.
  package static func bytes(_ count: Int) -> String {
    for (unit, factor) in [("GB", 1e9), ("MB", 1e6), ("kB", 1e3)] where Double(count) >= factor {
      return "\(short(Double(count) / factor)) \(unit)"
    }
    return "\(count) B"
  }

  private static func power(of base: Double, _ exponent: Int) -> Double {
    (0..<min(abs(exponent), 300)).reduce(1.0) { value, _ in exponent < 0 ? value / base : value * base }
  }
}
