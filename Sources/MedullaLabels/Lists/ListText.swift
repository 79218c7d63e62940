/// A list as a command is told of it: `[KIND:][SIDE:][csv-COLUMN:]FILE=CLASS[@CONFIDENCE]`.
///
/// Kinds are addresses, ports, domains, macs, devices; sides source, destination, either. Without a kind it
/// is what the file shows, without a side either.
package struct ListText: Sendable, Equatable {
  package let path: String
  package let kind: ListKind?
  package let side: ListSide
  package let format: ListFormat
  package let label: SureLabel

  /// - Throws: `badSetting`.
  package init(_ text: String) throws(ListError) {
    guard let equals = text.lastIndex(of: "="),
      let label = SureLabel(String(text[text.index(after: equals)...]))
    else { throw Self.refusal(text) }
    var (rest, kind, side, format) = (text[..<equals], ListKind?.none, ListSide.either, ListFormat.lines)
    // A word before a colon that is none of these is of the path.
    while let colon = rest.firstIndex(of: ":") {
      let word = String(rest[..<colon])
      if let found = ListKind(rawValue: word), kind == nil {
        kind = found
      } else if let found = ListSide(rawValue: word), side == .either {
        side = found
      } else if word.hasPrefix("csv-"), word.count > 4, format == .lines {
        format = ListFormat(column: String(word.dropFirst(4)))
      } else {
        break
      }
      rest = rest[rest.index(after: colon)...]
    }
    guard !rest.isEmpty else { throw Self.refusal(text) }
    (path, self.kind, self.side, self.format, self.label) = (String(rest), kind, side, format, label)
  }

  private static func refusal(_ text: String) -> ListError {
    ListError(
      .badSetting, "\"\(text.prefix(64))\" says no list",
      remedy: "write FILE=CLASS, or addresses:destination:FILE=CLASS@0.9")
  }

  /// Reads it.
  package func open() throws(ListError) -> LabelingList {
    LabelingList(
      try WatchedList(path, kind: kind, format: format), label: label.label, confidence: label.confidence,
      side: side)
  }
}
