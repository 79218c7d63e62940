import Foundation

/// Rows of numbers as text.
struct CSVTable {
  let rows: [[Float]]

  init(_ data: Data, elements: Int) throws(ModelError) {
    guard let text = String(bytes: data, encoding: .utf8) else {
      throw ModelError(.malformedFile, "neither a .npy array nor UTF-8 text")
    }
    var rows: [[Float]] = []
    var mayBeNames = true
    for (index, line) in text.split(omittingEmptySubsequences: false, whereSeparator: \.isNewline)
      .enumerated()
    {
      let fields = Self.fields(of: line)
      if fields.isEmpty || fields[0].hasPrefix("#") { continue }
      let values = fields.compactMap { Float($0) }
      if values.count != fields.count {
        guard mayBeNames else {
          let bad = fields.first { Float($0) == nil } ?? ""
          throw ModelError(.malformedFile, "line \(index + 1): \"\(bad)\" is not a number")
        }
        mayBeNames = false
        continue
      }
      mayBeNames = false
      guard values.count == elements else {
        throw ModelError(
          .shapeMismatch, "line \(index + 1) has \(values.count) values and the network takes \(elements)")
      }
      rows.append(values)
    }
    guard !rows.isEmpty else { throw ModelError(.malformedFile, "there are no rows of numbers") }
    self.rows = rows
  }

  /// Fields without the blanks around them; with commas or semicolons, blanks do not separate.
  private static func fields(of line: Substring) -> [String] {
    for separator in [",", ";", "\t"] as [Character] where line.contains(separator) {
      return line.split(separator: separator, omittingEmptySubsequences: false).map {
        $0.trimmingCharacters(in: .whitespaces)
      }
    }
    return line.split(whereSeparator: { $0 == " " }).map(String.init)
  }
}
