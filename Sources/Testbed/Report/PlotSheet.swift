import Foundation

/// Plots and heat maps below each other in one SVG that reads well on light and dark paper.
package struct PlotSheet: Sendable {
  package enum Panel: Equatable, Sendable {
    case plot(Plot)
    case heatMap(HeatMap)

    package var title: String {
      switch self {
      case .plot(let plot): plot.title
      case .heatMap(let map): map.title
      }
    }
  }

  package var panels: [Panel]

  package init(panels: [Panel]) { self.panels = panels }

  package init(_ plots: [Plot]) { panels = plots.map(Panel.plot) }

  /// Width of the drawing area's frame, in CSS pixels.
  private static let width = 860.0
  /// Height of one plot's drawing area.
  private static let height = 210.0
  private static let left = 64.0
  private static let right = 28.0
  private static let top = 52.0
  private static let legendLine = 18.0
  private static let charWidth = 6.4

  /// The colours of series 0, 1, 2, … on light and on dark paper: Okabe and Ito's, told apart by
  /// colour-blind readers too; four more follow.
  private static let colors = [
    ("#0072b2", "#58b8f0"), ("#d55e00", "#ff9248"), ("#009e73", "#3fd6a8"), ("#a8488a", "#e59ac8"),
    ("#8a6d00", "#f0c63c"), ("#5b5bd6", "#a5a5ff"), ("#59636e", "#9da7b3"), ("#b3261e", "#ff8a80"),
    ("#00707a", "#4dd0e1"), ("#7a4a00", "#d7a86e"),
  ]

  /// The SVG document, or element: it can stand in an HTML page as it is.
  package var svg: String {
    var body = ""
    var offset = 0.0
    for panel in panels {
      let (drawing, height) = drawn(panel)
      body += "<g transform=\"translate(0 \(number(offset)))\">\n\(drawing)</g>\n"
      offset += height
    }
    return """
      <svg xmlns="http://www.w3.org/2000/svg" class="medulla-plot" viewBox="0 0 \(number(Self.width)) \
      \(number(offset))" width="\(number(Self.width))" height="\(number(offset))" role="img">
      <style>\(Self.style)</style>
      <rect class="paper" width="100%" height="100%"/>
      \(body)</svg>

      """
  }

  private func drawn(_ panel: Panel) -> (drawing: String, height: Double) {
    switch panel {
    case .plot(let plot):
      return (draw(plot), Self.top + extraLegend(plot) + Self.height + Self.bottom(plot))
    case .heatMap(let map):
      let frame = HeatMapFrame(map, width: Self.width)
      return (frame.svg, frame.height)
    }
  }

  private static var style: String {
    func rules(dark: Bool) -> String {
      let (ink, soft, grid, paper) =
        dark ? ("#e6edf3", "#9da7b3", "#30363d", "#0d1117") : ("#1f2328", "#59636e", "#e3e7eb", "#ffffff")
      var rules = ".medulla-plot text{fill:\(ink)}.medulla-plot .soft{fill:\(soft)}"
      rules += ".medulla-plot .paper{fill:\(paper)}.medulla-plot .grid{stroke:\(grid)}"
      rules += ".medulla-plot .rule{stroke:\(soft)}.medulla-plot .whisker{stroke:\(ink)}"
      rules += ".medulla-plot .empty{fill:\(grid)}"
      for (index, color) in colors.enumerated() {
        let value = dark ? color.1 : color.0
        rules += ".medulla-plot .l\(index){stroke:\(value)}.medulla-plot .d\(index){fill:\(value)}"
      }
      return rules
    }
    return """
      .medulla-plot{max-width:100%;height:auto;font:12px system-ui,-apple-system,"Segoe UI",sans-serif}\
      .medulla-plot .title{font-size:14px;font-weight:600}\
      .medulla-plot .line{fill:none;stroke-width:1.8;stroke-linejoin:round}\
      .medulla-plot .rule{stroke-dasharray:5 4}.medulla-plot .whisker{fill:none;stroke-width:1.3}\
      \(rules(dark: false))@media (prefers-color-scheme:dark){\(rules(dark: true))}
      """
  }

  private static func bottom(_ plot: Plot) -> Double {
    let longest = plot.x.categories.map(\.count).max() ?? 0
    return longest > 0 ? 30 + Double(longest) * charWidth * 0.72 : 48
  }

  /// Enough that no slanted name begins beyond the paper's edge.
  private static func left(_ plot: Plot) -> Double {
    let names = plot.x.categories
    let needed = names.enumerated().map { index, name in
      let place = (Double(index) + 0.5) / Double(names.count)
      return (Double(name.count) * charWidth * 0.72 - (width - right) * place) / (1 - place)
    }
    return max(left, min(needed.max() ?? 0, width / 3))
  }

  private func draw(_ plot: Plot) -> String {
    let left = Self.left(plot)
    let frame = PlotFrame(
      plot, left: left, top: Self.top + extraLegend(plot), width: Self.width - left - Self.right,
      height: Self.height)
    let bars = plot.series.filter { $0.mark == .bars }
    let drawn = plot.series.map { series in
      series.mark == .bars
        ? columns(series, bars.firstIndex(of: series) ?? 0, of: bars.count, in: frame)
        : draw(in: frame)(series) + series.points.map { whisker($0, at: frame.x($0.x), in: frame) }.joined()
    }
    return frame.axes() + frame.rules() + drawn.joined() + legend(plot)
      + "<text class=\"title\" x=\"\(number(Self.left))\" y=\"18\">\(Markup.escape(plot.title))</text>\n"
  }

  private func draw(in frame: PlotFrame) -> (Plot.Series) -> String {
    { series in
      let color = series.color % Self.colors.count
      switch series.mark {
      case .line:
        return frame.runs(series.points).map { run in
          "<polyline class=\"line l\(color)\" points=\"\(run)\"/>\n"
        }.joined()
      case .dots:
        return series.points.filter { $0.x.isFinite && $0.y.isFinite }.map { point in
          "<circle class=\"d\(color)\" r=\"4\" cx=\"\(number(frame.x(point.x)))\" "
            + "cy=\"\(number(frame.y(point.y)))\"/>\n"
        }.joined()
      case .bars: return ""
      }
    }
  }

  private func columns(_ series: Plot.Series, _ index: Int, of count: Int, in frame: PlotFrame) -> String {
    let width = frame.barWidth(count)
    return series.points.filter { $0.x.isFinite && $0.y.isFinite }.map { point in
      let left = frame.x(point.x) + (Double(index) - Double(count) / 2) * width
      let top = min(frame.y(point.y), frame.floor)
      return "<rect class=\"d\(series.color % Self.colors.count)\" x=\"\(number(left + 1))\" "
        + "y=\"\(number(top))\" width=\"\(number(max(width - 2, 1)))\" "
        + "height=\"\(number(frame.floor - top))\"/>\n" + whisker(point, at: left + width / 2, in: frame)
    }.joined()
  }

  private func whisker(_ point: Plot.Point, at x: Double, in frame: PlotFrame) -> String {
    guard let spread = point.spread, spread > 0, x.isFinite, point.y.isFinite else { return "" }
    let (low, high) = (min(frame.y(point.y - spread), frame.floor), frame.y(point.y + spread))
    let line = "<path class=\"whisker\" d=\"M\(number(x)) \(number(low))V\(number(high))"
    return line + "M\(number(x - 4)) \(number(high))h8M\(number(x - 4)) \(number(low))h8\"/>\n"
  }

  /// Where each named series stands in the legend: as many to a line as fit.
  private func places(_ plot: Plot) -> [(series: Plot.Series, x: Double, line: Int)] {
    var (x, line) = (Self.left, 0)
    return plot.series.filter { !$0.name.isEmpty }.map { series in
      let length = 32 + Double(series.name.count) * Self.charWidth
      if x + length > Self.width, x > Self.left { (x, line) = (Self.left, line + 1) }
      defer { x += length }
      return (series, x, line)
    }
  }

  /// Height of the legend's lines after the first.
  private func extraLegend(_ plot: Plot) -> Double {
    Double(places(plot).last?.line ?? 0) * Self.legendLine
  }

  private func legend(_ plot: Plot) -> String {
    places(plot).map { series, x, line in
      let color = series.color % Self.colors.count
      let y = 34 + Double(line) * Self.legendLine
      return "<circle class=\"d\(color)\" r=\"4.5\" cx=\"\(number(x + 5))\" cy=\"\(number(y))\"/>"
        + "<text x=\"\(number(x + 14))\" y=\"\(number(y + 4))\">\(Markup.escape(series.name))</text>\n"
    }.joined()
  }
}

/// A coordinate as SVG text.
func number(_ value: Double) -> String {
  String(format: "%g", (value * 100).rounded() / 100)
}
