import Foundation

/// Rows of numbers as text.
struct CSVTable {
  let rows: [[Float]]

  init(_ data: Data, elements: Int) throws(ModelError) {
    guard let text = String(bytes: data, encoding: .utf8) else {
      throw ModelError(.malformedFile, "neither a .npy array nor UTF-8 text")
    }
    let byteOrderMark: Character = "\u{FEFF}"
    let lines = (text.first == byteOrderMark ? text.dropFirst() : text[...])
      .split(omittingEmptySubsequences: false, whereSeparator: \.isNewline)
    var rows: [[Float]] = []
    var mayBeNames = true
    for (index, line) in lines.enumerated() {
      let fields = Self.fields(of: line)
      if fields.isEmpty || fields[0].hasPrefix("#") { continue }
      let values = fields.map { Float($0) }
      // Names of columns have no number among them; a row with one is data, and must be right.
      let areNames = mayBeNames && values.allSatisfy { $0 == nil }
      mayBeNames = false
      if areNames { continue }
      rows.append(try Self.row(values, fields, line: index + 1, elements: elements))
    }
    guard !rows.isEmpty else { throw ModelError(.malformedFile, "there are no rows of numbers") }
    self.rows = rows
  }

  private static func row(
    _ values: [Float?], _ fields: [String], line: Int, elements: Int
  ) throws(ModelError) -> [Float] {
    var row: [Float] = []
    for (column, value) in values.enumerated() {
      guard let value, value.isFinite else {
        throw ModelError(
          .malformedFile,
          "line \(line), column \(column + 1): \"\(fields[column].prefix(40))\" is not a "
            + (value == nil ? "number" : "finite number"),
          remedy: "Remove the row, or put a number there; lines and columns are counted from 1.")
      }
      row.append(value)
    }
    guard row.count == elements else {
      throw ModelError(
        .shapeMismatch, "line \(line) has \(row.count) values and the network takes \(elements)")
    }
    return row
  }

  /// Fields without the blanks and quotes around them; with commas or semicolons, blanks do not separate.
  private static func fields(of line: Substring) -> [String] {
    for separator in [",", ";", "\t"] as [Character] {
      let fields = split(line, by: separator)
      if fields.count > 1 { return fields.map(plain) }
    }
    return split(line, by: " ").map(plain).filter { !$0.isEmpty }
  }

  /// A separator in quotes does not separate.
  private static func split(_ line: Substring, by separator: Character) -> [Substring] {
    guard line.contains("\"") else {
      return line.split(separator: separator, omittingEmptySubsequences: false)
    }
    var isQuoted = false
    return line.split(omittingEmptySubsequences: false) { character in
      if character == "\"" { isQuoted.toggle() }
      return character == separator && !isQuoted
    }
  }

  private static func plain(_ field: Substring) -> String {
    let text = field.trimmingCharacters(in: .whitespaces)
    guard text.count >= 2, text.hasPrefix("\""), text.hasSuffix("\"") else { return text }
    return text.dropFirst().dropLast().replacingOccurrences(of: "\"\"", with: "\"")
      .trimmingCharacters(in: .whitespaces)
  }
}
