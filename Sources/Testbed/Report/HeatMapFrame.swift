import Foundation

/// Where a heat map's cells lie on the paper, and what is drawn.
struct HeatMapFrame {
  private let map: HeatMap
  private let width: Double
  private let left: Double
  private let cell: Double
  private let top: Double

  /// Above the squares: the title, and the names of the parts where they have any.
  private static let titleHeight = 36.0
  private static let partHeight = 30.0
  private static let rowHeight = 22.0
  private static let gap = 12.0
  private static let right = 28.0
  private static let widestCell = 86.0
  private static let legendHeight = 62.0
  private static let legendSteps = 24
  private static let charWidth = 6.4

  init(_ map: HeatMap, width: Double) {
    (self.map, self.width) = (map, width)
    top = Self.titleHeight + (map.parts.contains { !$0.title.isEmpty } ? Self.partHeight : 0)
    let longest = Double(map.rows.map(\.count).max() ?? 0)
    left = min(34 + longest * Self.charWidth, width / 2)
    let gaps = Double(max(map.parts.count - 1, 0)) * Self.gap
    let count = Double(max(map.parts.count * map.columns.count, 1))
    cell = min((width - left - Self.right - gaps) / count, Self.widestCell)
  }

  private var bottom: Double { top + Double(map.rows.count) * Self.rowHeight }

  /// Height of everything.
  var height: Double { bottom + 42 + Self.legendHeight }

  var svg: String {
    title() + rowNames() + map.parts.indices.map { part(map.parts[$0], at: partLeft($0)) }.joined() + legend()
  }

  private func partLeft(_ index: Int) -> Double {
    left + Double(index) * (Double(map.columns.count) * cell + Self.gap)
  }

  private func title() -> String {
    "<text class=\"title\" x=\"14\" y=\"18\">\(Markup.escape(map.title))</text>\n"
  }

  private func rowNames() -> String {
    let middle = number((top + bottom) / 2)
    let label =
      "<text class=\"soft\" text-anchor=\"middle\" transform=\"translate(16 \(middle)) rotate(-90)\">"
      + "\(Markup.escape(map.rowLabel))</text>\n"
    return label
      + map.rows.enumerated().map { index, name in
        text(name, "soft", x: left - 6, y: line(index), anchor: "end")
      }.joined()
  }

  /// The base of a row's text.
  private func line(_ row: Int) -> Double { top + (Double(row) + 0.5) * Self.rowHeight + 4 }

  private func part(_ part: HeatMap.Part, at left: Double) -> String {
    let middle = left + Double(map.columns.count) * cell / 2
    var body = text(part.title, "", x: middle, y: top - 10, anchor: "middle")
    for row in map.rows.indices {
      for column in map.columns.indices {
        let values = row < part.values.count ? part.values[row] : []
        body += square(
          column < values.count ? values[column] : nil, x: left + Double(column) * cell, row: row)
      }
    }
    for (index, name) in map.columns.enumerated() {
      body += text(name, "soft", x: left + (Double(index) + 0.5) * cell, y: bottom + 16, anchor: "middle")
    }
    return body + text(map.columnLabel, "soft", x: middle, y: bottom + 34, anchor: "middle")
  }

  private func square(_ value: Double?, x: Double, row: Int) -> String {
    let y = top + Double(row) * Self.rowHeight
    func rectangle(_ fill: String) -> String {
      "<rect x=\"\(number(x))\" y=\"\(number(y))\" width=\"\(number(cell - 1))\" "
        + "height=\"\(number(Self.rowHeight - 1))\" \(fill)/>\n"
    }
    guard let value, let place = map.scale.place(value) else {
      return rectangle("class=\"empty\"") + text("–", "soft", x: x + cell / 2, y: line(row), anchor: "middle")
    }
    let places = min(max(map.places, 0), 6)
    // What rounds to 0 has no sign.
    let isZero = abs(value) * pow(10, Double(places)) < 0.5
    let shown = String(format: "%.\(places)f", isZero ? 0 : value)
    return rectangle("fill=\"\(HeatColor.hex(place))\"")
      + "<text style=\"fill:\(HeatColor.ink(place))\" text-anchor=\"middle\" x=\"\(number(x + cell / 2))\" "
      + "y=\"\(number(line(row)))\">\(shown)</text>\n"
  }

  private func legend() -> String {
    let top = bottom + 58
    let step = 8.0
    let x = width / 2 - Double(Self.legendSteps) * step / 2
    var body = ""
    for index in 0..<Self.legendSteps {
      let place = (Double(index) + 0.5) / Double(Self.legendSteps) * 2 - 1
      body +=
        "<rect x=\"\(number(x + Double(index) * step))\" y=\"\(number(top))\" width=\"\(number(step))\" "
      body += "height=\"12\" fill=\"\(HeatColor.hex(place))\"/>\n"
    }
    let end = x + Double(Self.legendSteps) * step
    for (place, at, sign) in [(-1.0, x, "≤ "), (0, (x + end) / 2, ""), (1, end, "≥ ")] {
      let value = PlotAxis.text(map.scale.value(at: place))
      body += text(sign + value, "soft", x: at, y: top + 27, anchor: "middle")
    }
    return body + text(map.scale.low, "soft", x: x - 10, y: top + 10, anchor: "end")
      + text(map.scale.high, "soft", x: end + 10, y: top + 10, anchor: "start")
  }

  private func text(_ words: String, _ kind: String, x: Double, y: Double, anchor: String) -> String {
    let look = kind.isEmpty ? "" : "class=\"\(kind)\" "
    return "<text \(look)text-anchor=\"\(anchor)\" x=\"\(number(x))\" y=\"\(number(y))\">"
      + "\(Markup.escape(words))</text>\n"
  }
}

/// The colours of a heat map, from orange over nearly white to blue: ColorBrewer's PuOr turned to blue, whose
/// ends differ in more than red and green.
enum HeatColor {
  private typealias Components = (red: Double, green: Double, blue: Double)

  private static let stops: [Components] = [
    (179, 88, 6), (224, 130, 20), (253, 184, 99), (254, 224, 182), (247, 247, 247), (209, 229, 240),
    (146, 197, 222), (67, 147, 195), (33, 102, 172),
  ]

  /// - Parameter place: -1 to 1.
  private static func components(_ place: Double) -> Components {
    let along = (min(max(place, -1), 1) + 1) / 2 * Double(stops.count - 1)
    let low = min(Int(along), stops.count - 2)
    let part = along - Double(low)
    let (from, to) = (stops[low], stops[low + 1])
    return (
      from.red + (to.red - from.red) * part, from.green + (to.green - from.green) * part,
      from.blue + (to.blue - from.blue) * part
    )
  }

  static func hex(_ place: Double) -> String {
    let color = components(place)
    return String(
      format: "#%02x%02x%02x", Int(color.red.rounded()), Int(color.green.rounded()),
      Int(color.blue.rounded()))
  }

  /// Black or white, whichever has the larger contrast (WCAG 2.1, relative luminance).
  static func ink(_ place: Double) -> String {
    let color = components(place)
    func linear(_ value: Double) -> Double {
      let share = value / 255
      return share <= 0.03928 ? share / 12.92 : pow((share + 0.055) / 1.055, 2.4)
    }
    let luminance =
      0.2126 * linear(color.red) + 0.7152 * linear(color.green) + 0.0722 * linear(color.blue)
    return 1.05 / (luminance + 0.05) > (luminance + 0.05) / 0.05 ? "#ffffff" : "#000000"
  }
}
