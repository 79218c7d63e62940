import Foundation
import MedullaBase

/// The journal's form: a line for each entry, with a checksum that goes over all lines before it too.
///
/// The checksum is the first 16 hexadecimal digits of SHA-256 over the digest before and the entry's JSON, so
/// that a line that was changed, lost, or put elsewhere is found. A value: no file inside.
struct JournalText: Sendable, Equatable {
  /// The first line, and what the first entry's checksum goes over.
  static let title = "medulla labels 1"
  /// Bytes of a line; a flow of thousands of features fits.
  static let lineLimit = 1 << 20
  private static let digits = 16

  /// Over all lines so far.
  private var chain: [UInt8]

  init() { chain = SHA256.hash(Array(Self.title.utf8)) }

  static var head: Data { Data((title + "\n").utf8) }

  /// The line of an entry, with its newline; the ones that follow go on from it.
  mutating func line(_ entry: BookEntry) throws(LabelBookError) -> Data {
    let json: Data
    do {
      json = try entry.line()
    } catch {
      throw LabelBookError(.badSetting, "an entry cannot be written as JSON", cause: "\(error)")
    }
    guard json.count <= Self.lineLimit - Self.digits - 2 else {
      throw LabelBookError(
        .badSetting, "an entry of \(json.count) bytes is too long for the journal",
        remedy: "A line has at most \(Self.lineLimit) bytes: ask about flows with fewer features.")
    }
    let digest = advance(json)
    return Data(digest.utf8) + Data(" ".utf8) + json + Data("\n".utf8)
  }

  private mutating func advance(_ json: Data) -> String {
    var hash = SHA256()
    hash.update(chain)
    hash.update(json)
    chain = hash.finalize()
    return String(chain.hexadecimal.prefix(Self.digits))
  }

  /// What a journal's bytes say.
  struct Contents: Equatable {
    var entries: [BookEntry] = []
    /// Bytes that are good; what follows them is a last line that was not written to its end.
    var length = 0
    var text = JournalText()
  }

  /// - Throws: `broken` with line and byte where something is damaged that is not the end.
  static func read(_ bytes: Data, path: String) throws(LabelBookError) -> Contents {
    var contents = Contents()
    guard bytes.count >= head.count else {
      // A kill between the file's making and its first line.
      guard head.starts(with: bytes) else { throw stranger(path) }
      return contents
    }
    guard bytes.starts(with: head) else { throw stranger(path) }
    var start = bytes.startIndex + head.count
    contents.length = head.count
    var number = 1
    while start < bytes.endIndex {
      number += 1
      let end = bytes[start...].firstIndex(of: UInt8(ascii: "\n"))
      if let end, let entry = contents.text.take(bytes[start..<end]) {
        contents.entries.append(entry)
        start = end + 1
        contents.length = start - bytes.startIndex
        continue
      }
      // The last line may be torn: cut short, or with a hole where the power failed. Others are damaged.
      let isLast = end.map { $0 + 1 == bytes.endIndex } ?? true
      guard isLast, bytes.endIndex - start <= lineLimit else {
        throw LabelBookError(
          .broken,
          "the journal \(path) is damaged at line \(number), byte \(start - bytes.startIndex)",
          cause: "the line's checksum does not fit, and it is not the last",
          remedy: "Put back a copy, or move the file away: labels then begin anew, and what agents have cost "
            + "so far is forgotten.")
      }
      return contents
    }
    return contents
  }

  /// The entry of a line that belongs here; nil: its checksum does not fit.
  private mutating func take(_ line: Data) -> BookEntry? {
    guard line.count > Self.digits + 1, line.count <= Self.lineLimit else { return nil }
    let space = line.startIndex + Self.digits
    guard line[space] == UInt8(ascii: " ") else { return nil }
    var next = self
    let json = Data(line[(space + 1)...])
    guard Data(next.advance(json).utf8) == line[..<space] else { return nil }
    guard let entry = try? BookEntry(line: json) else { return nil }
    self = next
    return entry
  }

  private static func stranger(_ path: String) -> LabelBookError {
    LabelBookError(
      .broken, "\(path) is no journal of labels",
      cause: "its first line is not `\(title)`, at byte 0",
      remedy: "Name another path, or move the file away.")
  }
}
