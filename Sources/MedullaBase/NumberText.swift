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

  private static func power(of base: Double, _ exponent: Int) -> Double {
    (0..<min(abs(exponent), 300)).reduce(1.0) { value, _ in exponent < 0 ? value / base : value * base }
  }
}
