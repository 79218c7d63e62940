import Foundation

/// Where a plot's values lie on the paper, and its axes.
struct PlotFrame {
  private let plot: Plot
  private let left: Double
  private let top: Double
  private let width: Double
  private let height: Double
  private let xRange: ClosedRange<Double>
  private let yRange: ClosedRange<Double>

  init(_ plot: Plot, left: Double, top: Double, width: Double, height: Double) {
    self.plot = plot
    self.left = left
    self.top = top
    self.width = width
    self.height = height
    let points = plot.series.flatMap(\.points)
    func ruled(_ across: Plot.Rule.Across) -> [Double] {
      plot.rules.filter { $0.across == across }.map(\.value)
    }
    xRange = plot.x.fitted(points.map(\.x) + ruled(.x), headroom: 0)
    let ends = points.map { $0.y + ($0.spread ?? 0) }
    yRange = plot.y.fitted(points.map(\.y) + ends + ruled(.y), headroom: 0.06)
  }

  func x(_ value: Double) -> Double { left + width * plot.x.position(value, in: xRange) }
  func y(_ value: Double) -> Double { top + height * (1 - plot.y.position(value, in: yRange)) }

  /// Where columns stand, and error bars end.
  var floor: Double { y(yRange.lowerBound) }

  /// Width of one of `count` columns that share a position.
  func barWidth(_ count: Int) -> Double {
    let step = x(1) - x(0)
    return min(step * 0.8 / Double(max(count, 1)), 34)
  }

  /// The points as lists of coordinates, one list for each run without a gap.
  func runs(_ points: [Plot.Point]) -> [String] {
    var runs: [[String]] = [[]]
    for point in points {
      if point.x.isFinite, point.y.isFinite {
        runs[runs.count - 1].append("\(number(x(point.x))),\(number(y(point.y)))")
      } else if runs.last?.isEmpty == false {
        runs.append([])
      }
    }
    return runs.filter { !$0.isEmpty }.map { $0.joined(separator: " ") }
  }

  func axes() -> String {
    var text = ""
    for tick in plot.y.ticks(in: yRange) {
      text += across("grid", y: y(tick))
      text +=
        "<text class=\"soft\" text-anchor=\"end\" x=\"\(number(left - 8))\" y=\"\(number(y(tick) + 4))\">"
      text += "\(PlotAxis.text(tick))</text>\n"
    }
    text += plot.x.categories.isEmpty ? numberedTicks() : namedTicks()
    let middle = number(top + height / 2)
    text += "<text class=\"soft\" text-anchor=\"middle\" transform=\"translate(14 \(middle)) rotate(-90)\">"
    text += "\(Markup.escape(plot.y.label))</text>\n"
    return text
  }

  private func numberedTicks() -> String {
    var text = ""
    let base = number(top + height + 18)
    for tick in plot.x.ticks(in: xRange) {
      text += "<text class=\"soft\" text-anchor=\"middle\" x=\"\(number(x(tick)))\" y=\"\(base)\">"
      text += "\(PlotAxis.text(tick))</text>\n"
    }
    text += "<text class=\"soft\" text-anchor=\"middle\" x=\"\(number(left + width / 2))\" "
    text += "y=\"\(number(top + height + 37))\">\(Markup.escape(plot.x.label))</text>\n"
    return text
  }

  private func namedTicks() -> String {
    var text = ""
    for (index, name) in plot.x.categories.enumerated() {
      let at = x(Double(index))
      text += down("grid", x: at)
      text += "<text class=\"soft\" text-anchor=\"end\" "
      text += "transform=\"translate(\(number(at + 4)) \(number(top + height + 14))) rotate(-45)\">"
      text += "\(Markup.escape(name))</text>\n"
    }
    text +=
      "<text class=\"soft\" x=\"\(number(left + width))\" text-anchor=\"end\" y=\"\(number(top - 14))\">"
    text += "\(Markup.escape(plot.x.label))</text>\n"
    return text
  }

  func rules() -> String {
    plot.rules.map { rule in
      let label = Markup.escape(rule.label)
      switch rule.across {
      case .x:
        let at = x(rule.value)
        return down("rule", x: at)
          + "<text class=\"soft\" x=\"\(number(at + 5))\" y=\"\(number(top + height - 8))\">\(label)</text>\n"
      case .y:
        let at = y(rule.value)
        return across("rule", y: at)
          + "<text class=\"soft\" text-anchor=\"end\" x=\"\(number(left + width - 4))\" "
          + "y=\"\(number(at - 5))\">\(label)</text>\n"
      }
    }.joined()
  }

  private func across(_ kind: String, y: Double) -> String {
    let (from, to, at) = (number(left), number(left + width), number(y))
    return "<line class=\"\(kind)\" x1=\"\(from)\" x2=\"\(to)\" y1=\"\(at)\" y2=\"\(at)\"/>"
  }

  private func down(_ kind: String, x: Double) -> String {
    let (from, to, at) = (number(top), number(top + height), number(x))
    return "<line class=\"\(kind)\" x1=\"\(at)\" x2=\"\(at)\" y1=\"\(from)\" y2=\"\(to)\"/>"
  }
}
