import Foundation

/// A class or a name at the beginning of a rule; in quotes it is never a keyword.
struct RuleLabel {
  let text: String
  let isQuoted: Bool

  func isKeyword(_ word: String) -> Bool { !isQuoted && text == word }
}

/// Cuts a text into words, one at a time.
///
/// What begins a rule may be of other characters than what stands in a condition (`web-chat` is a class
/// there and a difference here), so that the parser says which it wants.
struct RuleLexer {
  private let bytes: [UInt8]
  private var at = 0
  private var line = 1
  private var lineStart = 0
  /// Brackets that are open: a line that ends inside of them goes on.
  private var open: [RulePlace] = []
  /// Of the word that was given last.
  private(set) var place = RulePlace(line: 1, column: 1)

  init(_ text: String) { bytes = Array(text.utf8) }

  /// The innermost bracket that is not closed.
  var unclosed: RulePlace? { open.last }

  private var current: UInt8? { at < bytes.count ? bytes[at] : nil }

  private func ahead(_ count: Int) -> UInt8? { at + count < bytes.count ? bytes[at + count] : nil }

  /// The place of what comes next.
  private var here: RulePlace {
    let before = bytes[lineStart..<at]
    return RulePlace(line: line, column: 1 + before.count { $0 & 0xc0 != 0x80 })
  }

  /// Goes past spaces and comments.
  private mutating func skipBlanks() {
    while let byte = current {
      switch byte {
      case 0x20, 0x09, 0x0d: at += 1
      case 0x23: while let byte = current, byte != 0x0a { at += 1 }
      case 0x0a where !open.isEmpty: passNewline()
      default: return
      }
    }
  }

  private mutating func passNewline() {
    at += 1
    line += 1
    lineStart = at
  }

  /// Goes to the next line, whatever is between, and forgets brackets.
  mutating func recover() {
    open.removeAll()
    while let byte = current, byte != 0x0a { at += 1 }
  }

  /// Goes past lines without anything on them; false: the text has ended.
  mutating func findLine() -> Bool {
    skipBlanks()
    while current == 0x0a {
      passNewline()
      skipBlanks()
    }
    place = here
    return current != nil
  }

  /// A word of labels' characters, or a text in quotes; nil: neither is here.
  mutating func label() throws(RuleFault) -> RuleLabel? {
    skipBlanks()
    place = here
    if current == 0x22 { return RuleLabel(text: try text(), isQuoted: true) }
    let start = at
    while let byte = current, RuleText.isLabel(byte) { at += 1 }
    return start == at ? nil : RuleLabel(text: try word(from: start), isQuoted: false)
  }

  mutating func next() throws(RuleFault) -> RuleToken {
    skipBlanks()
    place = here
    guard let byte = current else { return .end }
    switch byte {
    case 0x0a:
      passNewline()
      return .newline
    case 0x22: return .text(try text())
    case 0x30...0x39:
      if let address = try address() { return address }
      return .number(try number())
    case 0x41...0x5a, 0x61...0x7a, 0x5f, 0x3a:
      if let address = try address() { return address }
      if byte == 0x3a { return try symbol() }
      let start = at
      while let byte = current, Self.isWord(byte) { at += 1 }
      return .word(try word(from: start))
    default: return try symbol()
    }
  }

  private static func isWord(_ byte: UInt8) -> Bool {
    RuleText.isLabel(byte) && byte != 0x2d && byte != 0x2e && byte != 0x2f
  }

  private static func isDigit(_ byte: UInt8?) -> Bool { byte.map { (0x30...0x39).contains($0) } ?? false }

  private func word(from start: Int) throws(RuleFault) -> String {
    guard at - start <= RuleLimit.word else {
      throw RuleFault(place, "a word of \(at - start) characters is longer than \(RuleLimit.word)")
    }
    return String(decoding: bytes[start..<at], as: UTF8.self)
  }

  private mutating func symbol() throws(RuleFault) -> RuleToken {
    for symbol in RuleSymbol.allCases where bytes[at...].starts(with: symbol.rawValue.utf8) {
      at += symbol.rawValue.utf8.count
      switch symbol {
      case .open, .openBrace:
        guard open.count < RuleLimit.depth else {
          throw RuleFault(place, "more than \(RuleLimit.depth) brackets lie in each other")
        }
        open.append(place)
      case .close, .closeBrace: _ = open.popLast()
      default: break
      }
      return .symbol(symbol)
    }
    let rest = String(decoding: bytes[at...].prefix(4), as: UTF8.self)
    let character = rest.first.map { $0 == "\u{fffd}" ? "a byte that is no UTF-8" : "`\($0)`" } ?? "nothing"
    let remedy =
      switch current {
      case 0x3d: "compare with =="
      case 0x26, 0x7c, 0x21: "write and, or, not"
      case 0x27: "write texts in double quotes"
      default: ""
      }
    throw RuleFault(place, "\(character) is not of the language", remedy: remedy)
  }

  private mutating func text() throws(RuleFault) -> String {
    let start = place
    var content: [UInt8] = []
    at += 1
    while let byte = current, byte != 0x0a, content.count <= RuleLimit.word {
      at += 1
      switch byte {
      case 0x22:
        guard let text = String(validating: content, as: UTF8.self) else {
          throw RuleFault(start, "a text is no UTF-8")
        }
        return text
      case 0x5c:
        guard let escaped = current, escaped == 0x22 || escaped == 0x5c else {
          throw RuleFault(here, "only \\\" and \\\\ begin with a backslash")
        }
        content.append(escaped)
        at += 1
      default: content.append(byte)
      }
    }
    guard content.count <= RuleLimit.word else {
      throw RuleFault(start, "a text is longer than \(RuleLimit.word) bytes")
    }
    throw RuleFault(start, "a text has no end", remedy: "close it with \" on the same line")
  }

  private mutating func number() throws(RuleFault) -> Double {
    let start = at
    func digits(_ lexer: inout RuleLexer) {
      while let byte = lexer.current, Self.isDigit(byte) || byte == 0x5f { lexer.at += 1 }
    }
    digits(&self)
    if current == 0x2e, Self.isDigit(ahead(1)) {
      at += 1
      digits(&self)
    }
    if current == 0x65 || current == 0x45 {
      let sign = ahead(1) == 0x2b || ahead(1) == 0x2d ? 1 : 0
      if Self.isDigit(ahead(1 + sign)) {
        at += 1 + sign
        digits(&self)
      }
    }
    if let byte = current, Self.isWord(byte) {
      throw RuleFault(
        place, "a number has no unit, and no letters",
        remedy: "write times in microseconds and sizes in bytes, as `medulla features list` has them")
    }
    let spelled = try word(from: start).filter { $0 != "_" }
    guard let value = Double(spelled), value.isFinite else {
      throw RuleFault(place, "`\(spelled)` is too large a number")
    }
    return value
  }

  /// An address or a prefix; nil: what begins here is neither, and nothing was read.
  private mutating func address() throws(RuleFault) -> RuleToken? {
    var end = at
    while end < bytes.count, Self.isOfAddress(bytes[end]), end - at <= RuleLimit.word {
      // Two points are between the ends of a range.
      if bytes[end] == 0x2e, end + 1 < bytes.count, bytes[end + 1] == 0x2e { break }
      end += 1
    }
    let run = String(decoding: bytes[at..<end], as: UTF8.self)
    let parts = run.split(separator: ".", omittingEmptySubsequences: false)
    let isFour = parts.count == 4 && parts.allSatisfy { !$0.isEmpty && $0.utf8.allSatisfy(Self.isDigit) }
    guard isFour || run.utf8.count(where: { $0 == 0x3a }) >= 2 else { return nil }
    guard let address = IPAddress(run) else { throw RuleFault(place, "`\(run)` is no address") }
    at = end
    guard current == 0x2f, Self.isDigit(ahead(1)) else { return .address(address) }
    end = at + 1
    while end < bytes.count, Self.isDigit(bytes[end]), end - at <= 4 { end += 1 }
    let written = run + String(decoding: bytes[at..<end], as: UTF8.self)
    guard let prefix = IPPrefix(written) else {
      throw RuleFault(
        place, "`\(written)` is no prefix", remedy: "a length is from 0 to \(address.version.width)")
    }
    guard prefix.address == address else {
      throw RuleFault(
        place, "`\(written)` has bits after its length", remedy: "write \(prefix), or \(address) alone")
    }
    at = end
    return .prefix(prefix)
  }

  private static func isOfAddress(_ byte: UInt8) -> Bool {
    switch byte {
    case 0x30...0x39, 0x41...0x46, 0x61...0x66, 0x2e, 0x3a: true
    default: false
    }
  }
}
