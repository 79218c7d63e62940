import Foundation

/// One axis of a plot: its label with the unit, its range, and where its ticks are.
package struct PlotAxis: Equatable, Sendable {
  package enum Scale: Equatable, Sendable {
    case linear
    /// Base 10; values at or below 0 are drawn at the lower end.
    case logarithmic
  }

  package var label: String
  package var scale: Scale
  /// nil: from the data.
  package var range: ClosedRange<Double>?
  /// Names of the positions 0, 1, 2, … instead of numbers.
  package var categories: [String]

  package init(
    _ label: String, scale: Scale = .linear, range: ClosedRange<Double>? = nil, categories: [String] = []
  ) {
    self.label = label
    self.scale = scale
    self.range = range
    self.categories = categories
  }

  /// The range that shows `values`, from 0 on a linear axis of positive values, with a share of room above.
  func fitted(_ values: [Double], headroom: Double) -> ClosedRange<Double> {
    if let range {
      return range.lowerBound < range.upperBound ? range : range.lowerBound...(range.lowerBound + 1)
    }
    if !categories.isEmpty { return -0.5...(Double(categories.count) - 0.5) }
    let finite = values.filter(\.isFinite)
    switch scale {
    case .linear:
      let low = min(0, finite.min() ?? 0)
      let high = max(finite.max() ?? 1, low + 1e-9)
      return low...(high + (high - low) * headroom)
    case .logarithmic:
      let positive = finite.filter { $0 > 0 }
      let low = pow(10, floor(log10(positive.min() ?? 0.1)))
      let high = pow(10, ceil(log10(positive.max() ?? 10)))
      return low...max(high, low * 10)
    }
  }

  /// About five round numbers within `range`; each power of ten on a logarithmic axis.
  func ticks(in range: ClosedRange<Double>) -> [Double] {
    switch scale {
    case .linear:
      let rough = (range.upperBound - range.lowerBound) / 5
      let power = pow(10, floor(log10(rough)))
      let step = [1, 2, 5, 10].map { $0 * power }.first { $0 >= rough * 0.999 } ?? rough
      let first = (range.lowerBound / step).rounded(.up)
      let count = Int(((range.upperBound / step) - first + 1e-9).rounded(.down))
      return (0...max(0, min(count, 20))).map { (first + Double($0)) * step }
    case .logarithmic:
      let low = Int(log10(range.lowerBound).rounded(.up))
      let high = Int((log10(range.upperBound) + 1e-9).rounded(.down))
      return (low...max(low, min(high, low + 20))).map { pow(10, Double($0)) }
    }
  }

  /// Where `value` lies between the ends of `range`, 0 to 1 within it.
  func position(_ value: Double, in range: ClosedRange<Double>) -> Double {
    switch scale {
    case .linear: return (value - range.lowerBound) / (range.upperBound - range.lowerBound)
    case .logarithmic:
      let low = log10(range.lowerBound)
      let place = (log10(max(value, range.lowerBound)) - low) / (log10(range.upperBound) - low)
      return place
    }
  }

  /// A tick's text: no needless zeros.
  static func text(_ value: Double) -> String {
    let magnitude = abs(value)
    if magnitude < 1e-12 { return "0" }
    if magnitude >= 1e6 || magnitude < 1e-3 { return String(format: "%.0e", value) }
    var text = String(format: "%.4f", value)
    while text.contains("."), text.hasSuffix("0") { text.removeLast() }
    if text.hasSuffix(".") { text.removeLast() }
    return text
  }
}
