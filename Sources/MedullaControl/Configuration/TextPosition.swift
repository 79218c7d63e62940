/// A place in a text.
package struct TextPosition: Hashable, Comparable, Sendable, CustomStringConvertible {
  package static let start = TextPosition(line: 1, column: 1)

  /// Counted from 1.
  package let line: Int
  /// In characters, counted from 1.
  package let column: Int

  package init(line: Int, column: Int) {
    self.line = line
    self.column = column
  }

  package var description: String { "\(line):\(column)" }

  package static func < (a: TextPosition, b: TextPosition) -> Bool {
    (a.line, a.column) < (b.line, b.column)
  }
}
