import Foundation

/// A table of numbers whose cells are coloured by how far they lie from a middle value: one or several
/// groups of columns beside each other, which share the rows.
package struct HeatMap: Equatable, Sendable {
  /// How a value becomes a colour: the middle is pale, values above it are blue and those below orange, which
  /// colour-blind readers tell apart too.
  package struct Scale: Equatable, Sendable {
    package enum Kind: Equatable, Sendable {
      /// The darkest colours are this far from the middle.
      case linear(reach: Double)
      /// The darkest colours are this factor from the middle.
      case factor(reach: Double)
    }

    package var middle: Double
    package var kind: Kind
    /// What the ends mean, for the legend.
    package var low: String
    package var high: String

    package init(around middle: Double, _ kind: Kind, low: String, high: String) {
      (self.middle, self.kind, self.low, self.high) = (middle, kind, low, high)
    }

    /// From -1, the darkest orange, to 1, the darkest blue; nil for a value that is no number.
    func place(_ value: Double) -> Double? {
      guard value.isFinite else { return nil }
      let place =
        switch kind {
        case .linear(let reach): (value - middle) / reach
        case .factor(let reach): value <= 0 ? -1 : log(value / middle) / log(reach)
        }
      return min(max(place, -1), 1)
    }

    /// The value at a place.
    func value(at place: Double) -> Double {
      switch kind {
      case .linear(let reach): middle + place * reach
      case .factor(let reach): middle * pow(reach, place)
      }
    }
  }

  /// One group of columns.
  package struct Part: Equatable, Sendable {
    package var title: String
    /// By rows, then columns; nil where nothing was measured.
    package var values: [[Double?]]

    package init(_ title: String, _ values: [[Double?]]) { (self.title, self.values) = (title, values) }
  }

  package var title: String
  /// What the columns and the rows are, with the unit.
  package var columnLabel: String
  package var rowLabel: String
  package var columns: [String]
  package var rows: [String]
  package var parts: [Part]
  package var scale: Scale
  /// Digits after the point of the numbers in the cells.
  package var places: Int

  package init(
    _ title: String, columns: [String], _ columnLabel: String, rows: [String], _ rowLabel: String,
    parts: [Part], scale: Scale, places: Int = 2
  ) {
    (self.title, self.columns, self.columnLabel) = (title, columns, columnLabel)
    (self.rows, self.rowLabel, self.parts) = (rows, rowLabel, parts)
    (self.scale, self.places) = (scale, places)
  }
}
