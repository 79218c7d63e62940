/// A plot of lines or dots, drawn as SVG by `PlotSheet`.
public struct Plot: Equatable, Sendable {
  /// One named series. Series of the same `color` number look alike in every plot of a report.
  public struct Series: Equatable, Sendable {
    public enum Mark: Equatable, Sendable {
      case line
      case dots
      /// Columns from the lower end; bar series of one position stand beside each other.
      case bars
    }

    public var name: String
    public var color: Int
    public var mark: Mark
    /// Values that are not finite break the line.
    public var points: [Point]

    public init(_ name: String, color: Int, mark: Mark = .line, points: [Point]) {
      self.name = name
      self.color = color
      self.mark = mark
      self.points = points
    }
  }

  public struct Point: Equatable, Sendable {
    public var x: Double
    public var y: Double
    /// Half of an error bar's length.
    public var spread: Double?

    public init(_ x: Double, _ y: Double, spread: Double? = nil) {
      self.x = x
      self.y = y
      self.spread = spread
    }
  }

  /// A straight line across the plot that names a value of one axis.
  public struct Rule: Equatable, Sendable {
    public enum Across: Equatable, Sendable {
      case x
      case y
    }

    public var across: Across
    public var value: Double
    public var label: String

    public init(_ across: Across, at value: Double, _ label: String) {
      self.across = across
      self.value = value
      self.label = label
    }
  }

  public var title: String
  public var x: PlotAxis
  public var y: PlotAxis
  public var series: [Series]
  public var rules: [Rule]

  public init(_ title: String, x: PlotAxis, y: PlotAxis, series: [Series], rules: [Rule] = []) {
    self.title = title
    self.x = x
    self.y = y
    self.series = series
    self.rules = rules
  }
}
