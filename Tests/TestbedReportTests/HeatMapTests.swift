import Foundation
import FoundationXML
import Testing

@testable import TestbedReport

@Suite("Heat maps")
struct HeatMapTests {
  private func isWellFormed(_ text: String) -> Bool { XMLParser(data: Data(text.utf8)).parse() }

  private let scale = HeatMap.Scale(around: 1, .factor(reach: 4), low: "less", high: "more")

  private func map(_ values: [[Double?]], parts: Int = 1, name: String = "row") -> HeatMap {
    HeatMap(
      "Map <1>", columns: ["12", "48"], "rate (Mbit/s)", rows: values.map { _ in name }, "link",
      parts: (0..<parts).map { .init("part \($0)", values) }, scale: scale)
  }

  @Test("each value is written in its square, and what was not measured is a dash")
  func values() {
    let svg = PlotSheet(panels: [.heatMap(map([[0.5, nil], [2, .nan]], parts: 2))]).svg
    #expect(isWellFormed(svg) && svg.contains("Map &lt;1&gt;"))
    for text in [">0.50</text>", ">2.00</text>"] {
      #expect(svg.components(separatedBy: text).count - 1 == 2, "\(text)")
    }
    #expect(svg.components(separatedBy: "class=\"empty\"").count - 1 == 4)
    for text in ["less", "more", "part 1", "rate (Mbit/s)", "≤ 0.25", "≥ 4"] { #expect(svg.contains(text)) }
  }

  @Test("a map without rows, columns or parts is drawn all the same")
  func empty() {
    let empty = HeatMap("", columns: [], "", rows: [], "", parts: [], scale: scale)
    for map in [empty, map([]), map([[]])] {
      let svg = PlotSheet(panels: [.heatMap(map)]).svg
      #expect(isWellFormed(svg) && !svg.contains("nan") && !svg.contains("inf"))
    }
  }

  @Test("maps and plots stand below each other, each with the room that it needs")
  func sheet() throws {
    let plot = Plot("p", x: PlotAxis("x"), y: PlotAxis("y"), series: [])
    func height(_ panels: [PlotSheet.Panel]) throws -> Double {
      let svg = PlotSheet(panels: panels).svg
      let found = try #require(svg.firstMatch(of: /height="([0-9.]+)" role/))
      return try #require(Double(found.1))
    }
    let one = PlotSheet.Panel.heatMap(map([[1, 1]]))
    let two = PlotSheet.Panel.heatMap(map([[1, 1], [1, 1]]))
    #expect(try height([one]) < height([two]))
    #expect(
      try abs(height([one, .plot(plot), two]) - height([one]) - height([.plot(plot)]) - height([two])) < 1)
  }

  @Test("squares stay on the paper, however many there are and however long the names of rows")
  func room() throws {
    for (parts, name) in [(1, "r"), (4, "100 ms, 0.5 BDP"), (4, String(repeating: "m", count: 90))] {
      let svg = PlotSheet(panels: [.heatMap(map([[1, 1]], parts: parts, name: name))]).svg
      let rights = svg.matches(of: /<rect x="([0-9.]+)" y="[0-9.]+" width="([0-9.]+)"/).map {
        (Double($0.1) ?? 0) + (Double($0.2) ?? 0)
      }
      #expect(rights.count >= 2 * parts && rights.allSatisfy { $0 <= 860 })
    }
  }

  @Test(
    "a place on the scale is by factors or by differences, and ends at the ends",
    arguments: [(1.0, 0.0), (4, 1), (0.25, -1), (2, 0.5), (100, 1), (0, -1), (-3, -1)])
  func places(value: Double, place: Double) throws {
    let seen = try #require(scale.place(value))
    #expect(abs(seen - place) < 1e-12)
    let linear = HeatMap.Scale(around: 0, .linear(reach: 2), low: "", high: "")
    #expect(linear.place(1) == 0.5 && linear.place(-9) == -1 && linear.place(.nan) == nil)
    #expect(abs(scale.value(at: 0.5) - 2) < 1e-12 && linear.value(at: -1) == -2)
  }

  @Test("the middle is pale, the ends are dark, and numbers can be read on every colour")
  func colours() {
    #expect(HeatColor.hex(0) == "#f7f7f7" && HeatColor.hex(-1) == "#b35806" && HeatColor.hex(1) == "#2166ac")
    for step in -20...20 {
      let place = Double(step) / 20
      let contrast = contrast(HeatColor.hex(place), HeatColor.ink(place))
      #expect(contrast >= 4.5, "\(place): \(contrast)")
    }
  }

  /// By WCAG 2.1.
  private func contrast(_ first: String, _ second: String) -> Double {
    func luminance(_ hex: String) -> Double {
      let value = Int(hex.dropFirst(), radix: 16) ?? 0
      let parts = [value >> 16 & 255, value >> 8 & 255, value & 255].map { part -> Double in
        let share = Double(part) / 255
        return share <= 0.03928 ? share / 12.92 : pow((share + 0.055) / 1.055, 2.4)
      }
      return 0.2126 * parts[0] + 0.7152 * parts[1] + 0.0722 * parts[2]
    }
    let (one, two) = (luminance(first), luminance(second))
    return (max(one, two) + 0.05) / (min(one, two) + 0.05)
  }
}
