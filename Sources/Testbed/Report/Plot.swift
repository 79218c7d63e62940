/// A plot of lines or dots, drawn as SVG by `PlotSheet`.
package struct Plot: Equatable, Sendable {
  /// One named series. Series of the same `color` number look alike in every plot of a report.
  package struct Series: Equatable, Sendable {
    package enum Mark: Equatable, Sendable {
      case line
      case dots
      /// Columns from the lower end; bar series of one position stand beside each other.
      case bars
    }

    package var name: String
    package var color: Int
    package var mark: Mark
    /// Values that are not finite break the line.
    package var points: [Point]

    package init(_ name: String, color: Int, mark: Mark = .line, points: [Point]) {
      self.name = name
      self.color = color
      self.mark = mark
      self.points = points
    }
  }

  package struct Point: Equatable, Sendable {
    package var x: Double
    package var y: Double
    /// Half of an error bar's length.
    package var spread: Double?

    package init(_ x: Double, _ y: Double, spread: Double? = nil) {
      self.x = x
      self.y = y
      self.spread = spread
    }
  }

  /// A straight line across the plot that names a value of one axis.
  package struct Rule: Equatable, Sendable {
    package enum Across: Equatable, Sendable {
      case x
      case y
    }

    package var across: Across
    package var value: Double
    package var label: String

    package init(_ across: Across, at value: Double, _ label: String) {
      self.across = across
      self.value = value
      self.label = label
    }
  }

  package var title: String
  package var x: PlotAxis
  package var y: PlotAxis
  package var series: [Series]
  package var rules: [Rule]

  package init(_ title: String, x: PlotAxis, y: PlotAxis, series: [Series], rules: [Rule] = []) {
    self.title = title
    self.x = x
    self.y = y
    self.series = series
    self.rules = rules
  }
}
