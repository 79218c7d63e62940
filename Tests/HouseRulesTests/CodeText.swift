/// A source text in which comments and the insides of literals are blanks, line by line as they were.
struct CodeText {
  enum Language {
    case swift
    case c
  }

  private(set) var code: [Character] = []
  private let text: [Character]
  private let language: Language
  private var position = 0

  init(_ text: String, _ language: Language) {
    self.text = Array(text)
    self.language = language
    code.reserveCapacity(self.text.count)
    while position < self.text.count { step() }
  }

  private func isAhead(_ word: String) -> Bool {
    let letters = Array(word)
    return position + letters.count <= text.count
      && letters.indices.allSatisfy { text[position + $0] == letters[$0] }
  }

  private mutating func copy() {
    code.append(text[position])
    position += 1
  }

  private mutating func blank(_ count: Int = 1) {
    for _ in 0..<count where position < text.count {
      code.append(text[position].isNewline ? text[position] : " ")
      position += 1
    }
  }

  private mutating func step() {
    if isAhead("//") { return lineComment() }
    if isAhead("/*") { return blockComment() }
    switch (language, text[position]) {
    case (.swift, "\""), (.swift, "#"): if !swiftString() { copy() }
    case (.c, "\""), (.c, "'"): literal(text[position])
    case (.c, "#") where beginsLine: directive()
    default: copy()
    }
  }

  private mutating func lineComment() {
    while position < text.count, !text[position].isNewline { blank() }
  }

  /// Swift's comments nest.
  private mutating func blockComment() {
    var depth = 0
    repeat {
      if isAhead("/*"), depth == 0 || language == .swift {
        depth += 1
        blank(2)
      } else if isAhead("*/") {
        depth -= 1
        blank(2)
      } else {
        blank()
      }
    } while depth > 0 && position < text.count
  }

  private mutating func literal(_ quote: Character) {
    blank()
    while position < text.count, text[position] != quote, !text[position].isNewline {
      blank(text[position] == "\\" ? 2 : 1)
    }
    blank()
  }

  private var beginsLine: Bool {
    text[..<position].reversed().first { !$0.isWhitespace || $0.isNewline }?.isNewline ?? true
  }

  /// A line for the preprocessor, with those that continue it.
  private mutating func directive() {
    while position < text.count, !text[position].isNewline {
      blank(isAhead("\\\n") ? 2 : 1)
    }
  }

  /// A string with any number of `#` and quotes; false where there is none.
  private mutating func swiftString() -> Bool {
    var marks = 0
    while position + marks < text.count, text[position + marks] == "#" { marks += 1 }
    guard position + marks < text.count, text[position + marks] == "\"" else { return false }
    let pounds = String(repeating: "#", count: marks)
    let quotes = isAhead(pounds + "\"\"\"") ? "\"\"\"" : "\""
    blank(marks + quotes.count)
    while position < text.count {
      if isAhead(quotes + pounds) {
        blank(quotes.count + marks)
        return true
      }
      if isAhead("\\" + pounds + "(") {
        blank(marks + 2)
        interpolation()
      } else if isAhead("\\" + pounds) {
        blank(marks + 2)
      } else {
        blank()
      }
    }
    return true
  }

  /// What stands in a string up to its closing parenthesis, strings of its own included.
  private mutating func interpolation() {
    var depth = 1
    while position < text.count, depth > 0 {
      switch text[position] {
      case "\"", "#": if !swiftString() { blank() }
      case "(":
        depth += 1
        blank()
      case ")":
        depth -= 1
        blank()
      default: blank()
      }
    }
  }
}
