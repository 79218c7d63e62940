import Foundation

/// How entries stand in a list's file.
package enum ListFormat: Sendable, Equatable {
  /// One a line, with comments from `#` or `;` (DROP lists too); of domains also hosts files,
  /// `0.0.0.0 NAME…`.
  case lines
  /// In a column of comma-separated values, by its number from 1.
  case column(Int)
  /// In the column that the first line calls so.
  case named(String)

  /// - Parameter text: a column's number or name.
  package init(column text: String) {
    self = Int(text).flatMap { $0 >= 1 ? .column($0) : nil } ?? .named(text)
  }
}

/// A line that is no entry.
package struct ListFault: Sendable, Equatable, CustomStringConvertible {
  package let line: Int
  package let message: String

  package var description: String { "line \(line): \(message)" }
}

/// What was read of a list.
package struct ListReading: Sendable, Equatable {
  package let contents: ListContents
  /// Lines that are no entries.
  package let badLines: Int
  /// The first few of them.
  package let faults: [ListFault]
}

/// Reads lists of the usual plain formats. A function of the bytes.
package struct ListReader {
  package static let byteLimit = 128 << 20
  package static let entryLimit = 4_000_000
  package static let lineLimit = 4_096
  private static let faultLimit = 5

  private let format: ListFormat
  private var kind: ListKind?
  private var entries = ListEntries()
  private var line = 0
  private var badLines = 0
  private var faults: [ListFault] = []
  /// Of comma-separated values, once the first line has told it.
  private var column: Int?

  private init(_ kind: ListKind?, _ format: ListFormat) {
    (self.kind, self.format) = (kind, format)
    if case .column(let number) = format { column = number - 1 }
  }

  /// - Parameters:
  ///   - bytes: of the file.
  ///   - name: of the file, for messages.
  ///   - kind: nil: that of the first line that tells it.
  /// - Throws: `malformed` where more lines are no entries than are, or a column is missing; `tooLarge`.
  package static func read(
    _ bytes: Data, named name: String, kind: ListKind?, format: ListFormat = .lines
  ) throws(ListError) -> ListReading {
    var reader = ListReader(kind, format)
    for line in bytes.split(separator: 0x0a, omittingEmptySubsequences: false) {
      try reader.take(line, name)
    }
    return try reader.reading(name)
  }

  private func reading(_ name: String) throws(ListError) -> ListReading {
    let first = faults.first.map { "\($0)" } ?? ""
    if case .named(let title) = format, column == nil {
      throw ListError(.malformed, "\(name) has no column \(title)", remedy: "give its number, from 1")
    }
    guard let kind else {
      throw ListError(
        .malformed, "\(name) does not show what its entries are", cause: first,
        remedy: "say it: addresses, ports, domains, macs or devices")
    }
    guard badLines <= entries.count else {
      throw ListError(
        .malformed,
        "\(name) has \(badLines) lines that are no \(kind.rawValue), and \(entries.count) that are",
        cause: first, remedy: "check the file's kind and format")
    }
    return ListReading(contents: entries.contents(kind), badLines: badLines, faults: faults)
  }

  private mutating func take(_ bytes: Data, _ name: String) throws(ListError) {
    line += 1
    guard bytes.count <= Self.lineLimit else {
      return refuse("it has \(bytes.count) bytes, and at most \(Self.lineLimit) are read")
    }
    guard var text = String(validating: bytes, as: UTF8.self) else { return refuse("it is no UTF-8") }
    if line == 1, text.unicodeScalars.first == "\u{feff}" { text.unicodeScalars.removeFirst() }
    switch format {
    case .lines: takeEntry(text)
    case .column, .named: takeValues(text)
    }
    guard entries.count <= Self.entryLimit else {
      throw ListError(
        .tooLarge, "\(name) has more than \(Self.entryLimit) entries", remedy: "cut it into several")
    }
  }

  private mutating func refuse(_ message: String) {
    badLines += 1
    if faults.count < Self.faultLimit { faults.append(ListFault(line: line, message: message)) }
  }

  private mutating func takeEntry(_ text: String) {
    let plain = Substring(text.utf8.prefix { $0 != 0x23 && $0 != 0x3b })
    let fields = plain.split(whereSeparator: \.isWhitespace).map(String.init)
    guard let first = fields.first else { return }
    if fields.count > 1, kind == nil || kind == .domains, Self.isNowhere(first) {
      return takeHosts(fields.dropFirst())
    }
    // Devices have names of several words.
    let entry = kind == .devices ? fields.joined(separator: " ") : first
    guard fields.count == 1 || kind == .devices else {
      return refuse("`\(first.prefix(64))` is followed by something else than a comment")
    }
    add(entry)
  }

  /// What hosts files give names to that should lead nowhere.
  private static func isNowhere(_ text: String) -> Bool {
    guard let address = IPAddress(text) else { return false }
    return address.bits == 0 || address == IPAddress("::1")
      || IPPrefix("127.0.0.0/8")?.contains(address) == true
  }

  private mutating func takeHosts(_ names: ArraySlice<String>) {
    kind = .domains
    // A name without a point is the machine's own, such as localhost.
    for name in names where name.contains(".") && !name.lowercased().hasPrefix("localhost.") {
      if IPAddress(name) == nil { add(name) }
    }
  }

  private mutating func takeValues(_ text: String) {
    let trimmed = text.trimmingCharacters(in: .whitespacesAndNewlines)
    guard !trimmed.isEmpty, !trimmed.hasPrefix("#") else { return }
    guard let values = Self.values(trimmed) else { return refuse("a quotation mark is not closed") }
    guard let column else {
      if case .named(let title) = format { column = values.firstIndex(of: title) }
      if column == nil { refuse("it does not name the column") }
      return
    }
    guard values.indices.contains(column) else {
      return refuse("it has \(values.count) columns, and the entry is in column \(column + 1)")
    }
    let entry = values[column]
    // The first line may be of titles.
    let isTitle =
      entries.count == 0 && badLines == 0 && !entries.canTake(entry, kind ?? ListKind(guessedOf: entry))
    if isTitle, !entry.isEmpty, line == 1 { return }
    add(entry)
  }

  /// Comma-separated values of one line; nil: a quotation mark is not closed.
  static func values(_ line: String) -> [String]? {
    var values: [String] = []
    var (value, isQuoted, wasQuote) = ("", false, false)
    for character in line {
      if wasQuote {
        wasQuote = false
        // Two in a quoted value stand for one.
        if character == "\"" {
          value.append(character)
          continue
        }
        isQuoted = false
      }
      switch character {
      case "\"" where isQuoted: wasQuote = true
      case "\"" where value.allSatisfy(\.isWhitespace): (value, isQuoted) = ("", true)
      case "," where !isQuoted:
        values.append(value.trimmingCharacters(in: .whitespaces))
        value = ""
      default: value.append(character)
      }
    }
    values.append(value.trimmingCharacters(in: .whitespaces))
    return isQuoted && !wasQuote ? nil : values
  }

  private mutating func add(_ entry: String) {
    guard let kind = kind ?? ListKind(guessedOf: entry) else {
      return refuse("`\(entry.prefix(64))` is none of addresses, ports, domains, macs")
    }
    guard entries.add(entry, kind) else {
      return refuse("`\(entry.prefix(64))` is none of \(kind.rawValue)")
    }
    self.kind = kind
  }
}

/// Entries as they come.
struct ListEntries {
  private var prefixes: [IPPrefix] = []
  private var ports = PortTable()
  private var names: Set<String> = []
  private var addresses: Set<UInt64> = []
  private var makers: Set<UInt64> = []
  /// As they came, the same one twice.
  private(set) var count = 0

  func canTake(_ entry: String, _ kind: ListKind?) -> Bool {
    guard let kind else { return false }
    var copy = ListEntries()
    return copy.add(entry, kind)
  }

  /// - Returns: false for what is none of the kind.
  mutating func add(_ entry: String, _ kind: ListKind) -> Bool {
    switch kind {
    case .addresses:
      guard let prefix = IPPrefix(entry) else { return false }
      prefixes.append(prefix)
    case .ports:
      guard let range = PortRange(entry) else { return false }
      ports.add(range)
    case .domains:
      // An address would be a name of numbers.
      guard IPAddress(entry) == nil, let name = DomainName(entry) else { return false }
      names.insert(name.text)
    case .macs:
      if let address = MACAddress(entry) {
        addresses.insert(address.bytes)
      } else if let maker = MACAddress.maker(entry) {
        makers.insert(maker)
      } else {
        return false
      }
    case .devices:
      guard (1...255).contains(entry.utf8.count) else { return false }
      names.insert(entry.lowercased())
    }
    count += 1
    return true
  }

  func contents(_ kind: ListKind) -> ListContents {
    switch kind {
    case .addresses: .addresses(PrefixTable(prefixes))
    case .ports: .ports(ports)
    case .domains: .domains(names)
    case .macs: .macs(addresses, makers: makers)
    case .devices: .devices(names)
    }
  }
}
