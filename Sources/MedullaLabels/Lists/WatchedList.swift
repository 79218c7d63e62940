import MedullaBase

/// A list of a file, which is read again when the file has changed.
///
/// A new version that cannot be read is told of once, and the old one stays.
package final class WatchedList {
  package let path: String
  package let kind: ListKind
  package let format: ListFormat
  package private(set) var contents: ListContents
  package private(set) var badLines: Int
  private var identity: FileIdentity
  /// The version that could not be read: it is not tried again; nil: the last one could.
  private var refused: FileIdentity?
  private var isGone = false

  /// - Parameter kind: nil: that of the first line that tells it.
  /// - Throws: `unreadable`, `tooLarge`, `malformed`.
  package init(_ path: String, kind: ListKind? = nil, format: ListFormat = .lines) throws(ListError) {
    let file = try BoundedFile.read(path, limit: ListReader.byteLimit)
    let reading = try ListReader.read(file.bytes, named: path, kind: kind, format: format)
    (self.path, self.kind, self.format) = (path, reading.contents.kind, format)
    (contents, badLines, identity) = (reading.contents, reading.badLines, file.identity)
  }

  /// Reads the file again if it is another than the one that was read.
  ///
  /// - Returns: what has happened, for people; nil: nothing.
  package func refresh() -> String? {
    guard let now = FileIdentity(path) else {
      defer { isGone = true }
      return isGone ? nil : "\(path) is gone; its \(contents.count) entries stay"
    }
    let wasGone = isGone
    isGone = false
    guard now != identity || wasGone, now != refused else { return nil }
    do {
      let file = try BoundedFile.read(path, limit: ListReader.byteLimit)
      let reading = try ListReader.read(file.bytes, named: path, kind: kind, format: format)
      (contents, badLines, identity, refused) = (reading.contents, reading.badLines, file.identity, nil)
      let bad = badLines == 0 ? "" : ", \(badLines) lines are none"
      return "\(path) has changed: \(contents.count) entries\(bad)"
    } catch {
      refused = now
      return "\(path) has changed and cannot be used; the \(contents.count) entries of before stay: \(error)"
    }
  }

  func longest(_ address: IPAddress) -> IPPrefix? {
    guard case .addresses(let table) = contents else { return nil }
    return table.longest(address)
  }

  func hasPort(_ port: Double, transport: Double) -> Bool {
    guard case .ports(let table) = contents, let port = UInt16(exactly: port),
      let transport = UInt8(exactly: transport)
    else { return false }
    return table.has(port, transport: transport)
  }
}
