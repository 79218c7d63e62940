import Foundation
import MedullaLabels

/// What holds for the reader of lists on any bytes at all. The fuzz target and the tests share it.
package enum ListProperties {
  private static let formats: [ListFormat] = [.lines, .column(2), .named("ip")]
  /// Of entries that look-ups are compared of.
  private static let compared = 64

  /// Bytes are refused by their lines, or give a list of the kind; of addresses the longest prefix is found
  /// that a search through all finds. nil, or what was violated.
  package static func violation(_ bytes: [UInt8]) -> String? {
    for format in formats {
      for kind in [nil] + ListKind.allCases {
        if let violation = violation(bytes, kind, format) { return "\(format), \(kind as Any): \(violation)" }
      }
    }
    return nil
  }

  private static func violation(_ bytes: [UInt8], _ kind: ListKind?, _ format: ListFormat) -> String? {
    let reading: ListReading
    do {
      reading = try ListReader.read(Data(bytes), named: "list", kind: kind, format: format)
    } catch {
      return error.code == .malformed ? nil : "the error has the code \(error.code)"
    }
    let lines = bytes.count { $0 == 0x0a } + 1
    guard reading.badLines >= reading.faults.count, reading.badLines <= lines else {
      return "\(reading.badLines) of \(lines) lines are bad"
    }
    for fault in reading.faults where !(1...lines).contains(fault.line) { return "\(fault) is of no line" }
    guard kind == nil || reading.contents.kind == kind else { return "it is of \(reading.contents.kind)" }
    guard format == .lines, case .addresses(let table) = reading.contents else { return nil }
    return violation(table, of: bytes)
  }

  private static func violation(_ table: PrefixTable, of bytes: [UInt8]) -> String? {
    // An entry is alone on its line, before a comment.
    let prefixes = bytes.split(separator: 0x0a).compactMap { line -> IPPrefix? in
      guard line.count <= ListReader.lineLimit, var text = String(validating: line, as: UTF8.self) else {
        return nil
      }
      if text.unicodeScalars.first == "\u{feff}" { text.unicodeScalars.removeFirst() }
      let fields = Substring(text.utf8.prefix { $0 != 0x23 && $0 != 0x3b }).split(
        whereSeparator: \.isWhitespace)
      return fields.count == 1 ? IPPrefix(String(fields[0])) : nil
    }
    // Only the first line may have a mark of the byte order, which is counted as one of any line here.
    guard table.count <= Set(prefixes).count else {
      return "there are \(table.count) prefixes of \(Set(prefixes).count)"
    }
    for prefix in prefixes.prefix(compared) {
      guard let found = table.longest(prefix.address) else {
        if bytes.contains(0xef) { continue }
        return "\(prefix) is not found"
      }
      guard found.contains(prefix.address) else { return "\(found) is found for \(prefix)" }
      let longest = prefixes.filter { $0.contains(prefix.address) }.map(\.length).max() ?? 0
      guard found.length == longest || bytes.contains(0xef) else {
        return "\(found) is found where one of \(longest) is"
      }
    }
    return nil
  }
}
