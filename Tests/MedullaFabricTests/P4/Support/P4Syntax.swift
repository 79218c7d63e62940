/// The part of P4_16 that the generated programs are written in, as trees.
///
/// It is stricter than the language: operators of different kinds need parentheses between them, all widths
/// must be the same where P4 wants that, and what is not known is an error.
indirect enum P4Expression {
  case number(UInt64, width: Int?)
  case name(String)
  case slice(P4Expression, high: Int, low: Int)
  case cast(P4Expression, width: Int)
  case not(P4Expression)
  case binary(String, P4Expression, P4Expression)
  case isValid(String)
  case hit(table: String)
}

indirect enum P4Statement {
  case declare(String, width: Int, P4Expression?)
  case assign(String, P4Expression)
  case call(String, [P4Expression])
  case choose(P4Expression, [P4Statement], [P4Statement])
}

struct P4Error: Error, CustomStringConvertible {
  let description: String

  init(_ description: String) { self.description = description }
}

/// A program as far as a switch runs it.
struct P4Source {
  struct Field {
    let name: String
    let width: Int
    /// Whether it goes with a packet that is recirculated.
    let isKept: Bool
  }

  struct Action {
    let parameters: [(name: String, width: Int)]
    let body: [P4Statement]
  }

  struct Table {
    var key: [P4Expression] = []
    var actions: [String] = []
    var defaultAction = ""
    var size = 0
  }

  struct State {
    var extracts: [String] = []
    var selects: P4Expression?
    var cases: [(P4Expression?, String)] = []
    var next = "accept"
  }

  struct Control {
    var registers: [String: (width: Int, size: Int)] = [:]
    var actions: [String: Action] = [:]
    var tables: [String: Table] = [:]
    var apply: [P4Statement] = []
  }

  var constants: [String: P4Expression] = [:]
  var types: [String: [Field]] = [:]
  /// Headers by the name that they have in `hdr`.
  var headers: [(name: String, type: String)] = []
  var states: [String: State] = [:]
  var controls: [String: Control] = [:]
}

/// Words, numbers and signs; `>` is always alone, because types end with it.
struct P4Tokens {
  private static let pairs: Set<String> = ["<<", "++", "&&", "||", "==", "!=", "<=", ">="]
  private(set) var tokens: [String] = []
  private var at = 0

  init(_ text: String) {
    for line in text.split(separator: "\n") {
      let code = line.prefix { $0 != "#" }
      let plain = code.firstRange(of: "//").map { code[..<$0.lowerBound] } ?? code
      var rest = Substring(plain)
      while let first = rest.first {
        let pair = String(rest.prefix(2))
        if first.isWhitespace {
          rest.removeFirst()
        } else if first.isLetter || first.isNumber || first == "_" {
          let word = rest.prefix { $0.isLetter || $0.isNumber || $0 == "_" }
          tokens.append(String(word))
          rest.removeFirst(word.count)
        } else {
          tokens.append(Self.pairs.contains(pair) ? pair : String(first))
          rest.removeFirst(Self.pairs.contains(pair) ? 2 : 1)
        }
      }
    }
  }

  var next: String { at < tokens.count ? tokens[at] : "" }
  var isAtEnd: Bool { at >= tokens.count }

  func peek(_ distance: Int) -> String { at + distance < tokens.count ? tokens[at + distance] : "" }

  mutating func take() -> String {
    defer { at += 1 }
    return next
  }

  mutating func takes(_ token: String) -> Bool {
    guard next == token else { return false }
    at += 1
    return true
  }

  mutating func expect(_ wanted: String...) throws {
    for token in wanted where !takes(token) {
      let around = tokens[max(0, at - 8)..<min(tokens.count, at + 4)].joined(separator: " ")
      throw P4Error("\(token) is missing at: \(around)")
    }
  }

  mutating func integer() throws -> Int {
    let token = take()
    guard let value = Int(token) else { throw P4Error("\(token) is no number") }
    return value
  }

  /// `bit<W>`
  mutating func width() throws -> Int {
    try expect("bit", "<")
    let width = try integer()
    try expect(">")
    return width
  }

  /// Words with dots between them.
  mutating func path() throws -> String {
    var path = take()
    guard let first = path.first, first.isLetter || first == "_" else { throw P4Error("\(path) is no name") }
    while next == ".", !["apply", "isValid", "read", "write", "extract", "emit"].contains(peek(1)) {
      path += take() + take()
    }
    return path
  }
}
