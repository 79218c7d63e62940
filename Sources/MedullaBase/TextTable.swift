/// A table of short texts: the first columns lean left, the others right.
package struct TextTable: Equatable, Sendable {
  package var caption: String
  package var columns: [String]
  package var rows: [[String]]
  /// Columns that lean left.
  package var leaning: Int
  /// Whether a line is drawn below the columns' names.
  package var isRuled: Bool

  package init(
    caption: String = "", columns: [String], rows: [[String]], leaning: Int = 1, isRuled: Bool = true
  ) {
    self.leaning = leaning
    self.isRuled = isRuled
    self.caption = caption
    self.columns = columns
    self.rows = rows
  }

  /// The table for a terminal, columns aligned; missing cells are empty.
  package var text: String {
    let widths = columns.indices.map { column in
      ([columns] + rows).map { cell($0, column).count }.max() ?? 0
    }
    func line(_ cells: [String]) -> String {
      let texts = columns.indices.map { column in
        column < leaning
          ? cell(cells, column).padding(widths[column]) : cell(cells, column).indenting(widths[column])
      }
      var line = texts.joined(separator: "  ")
      while line.last == " " { line.removeLast() }
      return line
    }
    let bar = widths.map { String(repeating: "─", count: $0) }.joined(separator: "──")
    return (caption.isEmpty ? [] : [caption]).joined() + (caption.isEmpty ? "" : "\n")
      + ([line(columns)] + (isRuled ? [bar] : []) + rows.map(line)).joined(separator: "\n")
  }

  private func cell(_ cells: [String], _ column: Int) -> String {
    cells.indices.contains(column) ? cells[column] : ""
  }
}
