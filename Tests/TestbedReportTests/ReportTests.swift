import Foundation
import FoundationXML
import MedullaBase
import Testing

@testable import TestbedReport

@Suite("Plots and reports")
struct ReportTests {
  /// Whether `text` is well-formed XML.
  private func isWellFormed(_ text: String) -> Bool { XMLParser(data: Data(text.utf8)).parse() }

  private static let awkward = "a<b & \"c\" 'd'\u{1}"

  private func sheet(_ points: [Plot.Point]) -> PlotSheet {
    PlotSheet([
      Plot(
        Self.awkward, x: PlotAxis("time (s)"), y: PlotAxis("delay (ms)"),
        series: [
          .init(Self.awkward, color: 0, points: points), .init("dots", color: 9, mark: .dots, points: points),
        ], rules: [.init(.x, at: 1, Self.awkward), .init(.y, at: 2, "level")])
    ])
  }

  @Test("an SVG is well-formed whatever names and values are in it")
  func wellFormed() {
    let values: [[Plot.Point]] = [
      [], [.init(1, 1)], [.init(0, 0), .init(1, .nan), .init(2, .infinity), .init(3, 5)],
      [.init(-1e300, 1e300), .init(1e300, -1e300)], [.init(0, 1e-300), .init(1, 2e-300)],
    ]
    for points in values { #expect(isWellFormed(sheet(points).svg), "\(points)") }
  }

  @Test("a gap in the values breaks the line")
  func gaps() {
    let svg = sheet([.init(0, 1), .init(1, 2), .init(2, .nan), .init(3, 1), .init(4, 1)]).svg
    #expect(svg.components(separatedBy: "<polyline").count - 1 == 2)
  }

  @Test("dark and light paper have their own colours")
  func colours() {
    #expect(sheet([]).svg.contains("@media (prefers-color-scheme:dark)"))
  }

  @Test(
    "ticks are round numbers within the range",
    arguments: [
      (0.0, 50.0, [0, 10, 20, 30, 40, 50]), (0, 1, [0, 0.2, 0.4, 0.6, 0.8, 1]), (0, 7, [0, 2, 4, 6]),
      (0, 105, [0, 50, 100]), (-3, 3, [-2, 0, 2]),
    ] as [(Double, Double, [Double])])
  func ticks(low: Double, high: Double, wanted: [Double]) {
    let ticks = PlotAxis("").ticks(in: low...high)
    #expect(ticks.count == wanted.count)
    for (tick, value) in zip(ticks, wanted) { #expect(abs(tick - value) < 1e-9) }
  }

  @Test("long names below columns begin on the paper", arguments: [1, 2, 12])
  func longNames(count: Int) throws {
    let name = String(repeating: "m", count: 30)
    let plot = Plot(
      "t", x: PlotAxis("cell", categories: (0..<count).map { _ in name }), y: PlotAxis("y"),
      series: [.init("", color: 0, mark: .dots, points: (0..<count).map { .init(Double($0), 1) })])
    let svg = PlotSheet([plot]).svg
    let first = try #require(svg.firstMatch(of: /translate\(([0-9.]+) [0-9.]+\) rotate\(-45\)/))
    // At an angle of 45 degrees, 6.4 units a letter.
    #expect(try #require(Double(first.1)) >= 30 * 6.4 * 0.7)
  }

  @Test("a logarithmic axis shows whole decades with a tick each")
  func logarithmic() {
    let axis = PlotAxis("", scale: .logarithmic)
    let range = axis.fitted([0.3, 250, 0], headroom: 0)
    #expect(range == 0.1...1000)
    #expect(axis.ticks(in: range).map(PlotAxis.text) == ["0.1", "1", "10", "100", "1000"])
    #expect(axis.position(10, in: range) == 0.5)
    #expect(axis.position(0, in: range) == 0)
  }

  @Test(
    "tick texts have no needless zeros",
    arguments: [(0, "0"), (0.5, "0.5"), (1000, "1000"), (2e7, "2e+07"), (-40, "-40"), (0.0001, "1e-04")]
      as [(Double, String)])
  func texts(value: Double, text: String) {
    #expect(PlotAxis.text(value) == text)
  }

  @Test("a table aligns its first column left and the others right")
  func table() {
    let table = TextTable(columns: ["name", "n"], rows: [["a", "100"], ["longer"], ["b", "7"]])
    #expect(
      table.text == """
        name      n
        ───────────
        a       100
        longer
        b         7
        """)
  }

  @Test("a page needs nothing but itself and escapes what it is given")
  func page() {
    let page = HTMLReport(
      Self.awkward, subtitle: Self.awkward,
      blocks: [
        .heading(Self.awkward), .paragraph("<script>"), .notice("n"), .code("x < y"),
        .table(TextTable(caption: "c&d", columns: ["<i>"], rows: [["<b>"]])), .plots(sheet([.init(0, 1)])),
      ]
    ).html
    #expect(!page.contains("<script>"))
    #expect(!page.contains("<b>"))
    #expect(page.contains("&lt;b&gt;"))
    for outside in ["src=", "href=", "url(", "@import"] { #expect(!page.contains(outside)) }
  }
}
