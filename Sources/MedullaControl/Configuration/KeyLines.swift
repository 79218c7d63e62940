/// The line on which each key of a TOML document is given.
///
/// The library that reads TOML does not tell. This scanner only finds its way and does not judge: what it
/// cannot follow it leaves without a line. Three things it does refuse, because the library asserts there: a
/// table header that does not begin with a key, a brace where an array's element should be, and times, which
/// it does not survive when they are malformed.
struct KeyLines {
  /// A key's way from the root; an element of an array is named by its index.
  typealias Path = [String]

  /// Values are followed so deep; a configuration with more is refused.
  static let depthLimit = ConfigurationDocument.depthLimit + 1

  private(set) var lines: [Path: Int] = [:]
  /// The first thing that the library would not survive.
  private(set) var malformed: (line: Int, what: String)?
  private let bytes: [UInt8]
  private var position = 0
  private var line = 1
  /// Elements that each array of tables has so far.
  private var counts: [Path: Int] = [:]

  init(_ text: String) {
    bytes = Array(text.utf8)
    scan()
  }

  /// The line of a key, or of the nearest table around it that has one.
  func line(of path: Path) -> Int {
    var path = path
    while !path.isEmpty {
      if let line = lines[path] { return line }
      path.removeLast()
    }
    return 1
  }

  private var current: UInt8? { position < bytes.count ? bytes[position] : nil }

  private mutating func advance() {
    if current == UInt8(ascii: "\n") { line += 1 }
    position += 1
  }

  private func isAhead(_ text: StaticString) -> Bool {
    let count = text.utf8CodeUnitCount
    guard position + count <= bytes.count else { return false }
    return (0..<count).allSatisfy { bytes[position + $0] == text.utf8Start[$0] }
  }

  private mutating func note(_ path: Path) {
    if lines[path] == nil { lines[path] = line }
  }

  private mutating func refuse(_ what: String) {
    if malformed == nil { malformed = (line, what) }
  }

  private mutating func scan() {
    var table: Path = []
    while position < bytes.count {
      skipBlank(newlines: true)
      guard let byte = current else { return }
      let before = position
      if byte == UInt8(ascii: "[") {
        table = header()
      } else {
        keyAndValue(in: table, depth: 0)
      }
      if position == before { advance() }
    }
  }

  /// `[a.b]` or `[[a.b]]`: the table that follows.
  private mutating func header() -> Path {
    let isArray = isAhead("[[")
    advance()
    if isArray { advance() }
    skipBlank(newlines: false)
    if !(current.map(Self.beginsKey) ?? false) { refuse("a table header without a key") }
    let keys = dottedKey()
    var path: Path = []
    for (index, key) in keys.enumerated() {
      path.append(key)
      let isLast = index == keys.count - 1
      if isLast && isArray {
        let count = counts[path, default: 0]
        counts[path] = count + 1
        note(path)
        path.append(String(count))
      } else if let count = counts[path], count > 0 {
        path.append(String(count - 1))
      }
      note(path)
    }
    while let byte = current, byte != UInt8(ascii: "\n") {
      if byte == UInt8(ascii: "]") {
        advance()
        if isArray, current == byte { advance() }
        break
      }
      advance()
    }
    return path
  }

  private mutating func keyAndValue(in table: Path, depth: Int) {
    var path = table
    for key in dottedKey() {
      path.append(key)
      note(path)
    }
    skipBlank(newlines: false)
    guard current == UInt8(ascii: "=") else { return }
    advance()
    skipBlank(newlines: false)
    value(at: path, depth: depth)
  }

  private mutating func dottedKey() -> [String] {
    var keys: [String] = []
    while true {
      skipBlank(newlines: false)
      switch current {
      case UInt8(ascii: "\""), UInt8(ascii: "'"): keys.append(quoted())
      default:
        let start = position
        while let byte = current, Self.isBare(byte) { advance() }
        if start == position { return keys }
        keys.append(String(decoding: bytes[start..<position], as: UTF8.self))
      }
      skipBlank(newlines: false)
      guard current == UInt8(ascii: ".") else { return keys }
      advance()
    }
  }

  private mutating func value(at path: Path, depth: Int) {
    guard depth < Self.depthLimit else { return }
    switch current {
    case UInt8(ascii: "\""), UInt8(ascii: "'"):
      if isAhead("\"\"\"") || isAhead("'''") { multiline() } else { _ = quoted() }
    case UInt8(ascii: "{"):
      inside(UInt8(ascii: "}")) { scanner, _ in scanner.keyAndValue(in: path, depth: depth + 1) }
    case UInt8(ascii: "["):
      inside(UInt8(ascii: "]")) { scanner, index in
        if scanner.current == UInt8(ascii: "}") { scanner.refuse("a brace where a value should be") }
        scanner.note(path + [String(index)])
        scanner.value(at: path + [String(index)], depth: depth + 1)
      }
    default:
      while let byte = current, !Self.endsValue(byte) {
        if byte == UInt8(ascii: ":") { refuse("a time of day, which no key takes; text needs quotes") }
        advance()
      }
    }
  }

  /// Elements between brackets, separated by commas.
  private mutating func inside(_ end: UInt8, element: (inout KeyLines, Int) -> Void) {
    advance()
    var index = 0
    while position < bytes.count {
      skipBlank(newlines: true)
      if current == end { return advance() }
      let before = position
      element(&self, index)
      skipBlank(newlines: true)
      if current == UInt8(ascii: ",") {
        index += 1
        advance()
      }
      if position == before { advance() }
    }
  }

  private mutating func quoted() -> String {
    guard let quote = current else { return "" }
    advance()
    var text: [UInt8] = []
    while let byte = current, byte != quote, byte != UInt8(ascii: "\n") {
      if byte == UInt8(ascii: "\\"), quote == UInt8(ascii: "\"") { advance() }
      if let byte = current { text.append(byte) }
      advance()
    }
    if current == quote { advance() }
    return String(decoding: text, as: UTF8.self)
  }

  private mutating func multiline() {
    guard let quote = current else { return }
    for _ in 0..<3 { advance() }
    var run = 0
    while let byte = current {
      if byte == UInt8(ascii: "\\"), quote == UInt8(ascii: "\"") {
        run = 0
        advance()
        if current != nil { advance() }
        continue
      }
      // A string may end in up to two quotes of its own before the three that close it.
      if byte != quote, run >= 3 { return }
      run = byte == quote ? run + 1 : 0
      advance()
      if run == 5 { return }
    }
  }

  private mutating func skipBlank(newlines: Bool) {
    while let byte = current {
      switch byte {
      case UInt8(ascii: " "), UInt8(ascii: "\t"), UInt8(ascii: "\r"): advance()
      case UInt8(ascii: "\n") where newlines: advance()
      case UInt8(ascii: "#") where newlines:
        while let byte = current, byte != UInt8(ascii: "\n") { _ = byte; advance() }
      default: return
      }
    }
  }

  private static func isBare(_ byte: UInt8) -> Bool {
    switch byte {
    case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
      UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "_"), 0x80...:
      true
    default: false
    }
  }

  private static func beginsKey(_ byte: UInt8) -> Bool {
    byte == UInt8(ascii: "\"") || byte == UInt8(ascii: "'") || (byte < 0x80 && isBare(byte))
  }

  private static func endsValue(_ byte: UInt8) -> Bool {
    switch byte {
    case UInt8(ascii: ","), UInt8(ascii: "]"), UInt8(ascii: "}"), UInt8(ascii: "\n"), UInt8(ascii: "#"): true
    default: false
    }
  }
}
