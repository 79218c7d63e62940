/// A word of the language.
enum RuleToken: Equatable {
  /// A keyword, or the name of a field.
  case word(String)
  case number(Double)
  case address(IPAddress)
  case prefix(IPPrefix)
  /// Between double quotes.
  case text(String)
  case symbol(RuleSymbol)
  /// The end of a line that is not inside of brackets.
  case newline
  case end

  /// For messages.
  var spelled: String {
    switch self {
    case .word(let word): "`\(word)`"
    case .number(let number): "`\(RuleText.number(number))`"
    case .address(let address): "`\(address)`"
    case .prefix(let prefix): "`\(prefix)`"
    case .text(let text): "`\(RuleText.quoted(text))`"
    case .symbol(let symbol): "`\(symbol.rawValue)`"
    case .newline: "the end of the line"
    case .end: "the end of the text"
    }
  }
}

/// Longer ones stand before those that they begin with.
enum RuleSymbol: String, CaseIterable {
  case lessOrEqual = "<="
  case greaterOrEqual = ">="
  case equal = "=="
  case unequal = "!="
  case range = ".."
  case less = "<"
  case greater = ">"
  case plus = "+"
  case minus = "-"
  case times = "*"
  case over = "/"
  case modulo = "%"
  case comma = ","
  case colon = ":"
  case at = "@"
  case open = "("
  case close = ")"
  case openBrace = "{"
  case closeBrace = "}"
}

/// How parts of the language are written.
enum RuleText {
  static let keywords: Set<String> = [
    "if", "and", "or", "not", "in", "list", "abstain", "from", "of", "unsure",
  ]

  static func number(_ value: Double) -> String {
    value == value.rounded() && abs(value) < 1e15 ? String(Int64(value)) : "\(value)"
  }

  static func quoted(_ text: String) -> String {
    "\"" + text.replacing("\\", with: "\\\\").replacing("\"", with: "\\\"") + "\""
  }

  /// A class or a rule's name, as it stands at the beginning of a rule.
  static func label(_ text: String) -> String {
    let isBare =
      !text.isEmpty && text.utf8.count <= RuleLimit.word && text.utf8.allSatisfy(isLabel)
      && !keywords.contains(text)
    return isBare ? text : quoted(text)
  }

  /// Letters, digits, `-`, `_`, `.` and `/`: what a network's labels are of.
  static func isLabel(_ byte: UInt8) -> Bool {
    switch byte {
    case 0x30...0x39, 0x41...0x5a, 0x61...0x7a, 0x2d, 0x5f, 0x2e, 0x2f: true
    default: false
    }
  }
}
