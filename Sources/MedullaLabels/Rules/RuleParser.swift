/// Rules as they are written: one a line, comments from `#`.
///
///     rule = [NAME ":"] (CLASS ["@" NUMBER] | "abstain") "if" condition
///     list = "list" TEXT "from" TEXT "of" KIND
///
/// A parser by recursive descent, with a bound on each of its loops and on its depth.
package struct RuleParser {
  private var lexer: RuleLexer
  /// What comes next.
  private(set) var token = RuleToken.newline
  private(set) var place = RulePlace(line: 1, column: 1)
  private(set) var nodes = 0
  private var depth = 0

  package private(set) var rules: [RuleStatement] = []
  package private(set) var lists: [RuleListDeclaration] = []
  package private(set) var faults: [RuleFault] = []

  /// Reads all of it: `faults` says what of it is none.
  package init(_ text: String) {
    lexer = RuleLexer(text)
    guard text.utf8.count <= RuleLimit.bytes else {
      let bytes = text.utf8.count
      faults = [RuleFault(place, "the rules have \(bytes) bytes, and at most \(RuleLimit.bytes) are read")]
      return
    }
    while faults.count < RuleLimit.faults, lexer.findLine() {
      do {
        try line()
      } catch {
        faults.append(error)
        lexer.recover()
      }
    }
  }

  private mutating func line() throws(RuleFault) {
    depth = 0
    guard let first = try lexer.label() else {
      try advance()
      throw RuleFault(
        place, "\(token.spelled) begins no rule", remedy: "write CLASS if CONDITION, or abstain if CONDITION")
    }
    let start = lexer.place
    try advance()
    if first.isKeyword("list"), case .text(let name) = token { return try declaration(of: name, at: start) }
    guard rules.count < RuleLimit.rules else {
      throw RuleFault(start, "there are more than \(RuleLimit.rules) rules")
    }
    rules.append(try rule(first, at: start))
  }

  private mutating func rule(_ first: RuleLabel, at start: RulePlace) throws(RuleFault) -> RuleStatement {
    var (label, name, labelPlace) = (first, RuleLabel?.none, start)
    if token == .symbol(.colon) {
      guard let second = try lexer.label() else {
        try advance()
        throw RuleFault(
          place, "\(token.spelled) is no class", remedy: "write \(first.text): CLASS if CONDITION")
      }
      (name, label, labelPlace) = (first, second, lexer.place)
      try advance()
    }
    var confidence = 1.0
    if token == .symbol(.at) {
      guard !label.isKeyword("abstain") else {
        throw RuleFault(place, "who abstains is not sure of anything", remedy: "write abstain if CONDITION")
      }
      try advance()
      guard case .number(let value) = token, value > 0, value <= 1 else {
        throw RuleFault(
          place, "\(token.spelled) is no confidence", remedy: "write a number up to 1, as @ 0.9")
      }
      confidence = value
      try advance()
    }
    guard token == .word("if") else {
      throw RuleFault(
        place, "`if` is expected, not \(token.spelled)", remedy: "write \(label.text) if CONDITION")
    }
    try advance()
    let condition = try expression()
    try endLine()
    return RuleStatement(
      name: name?.text, label: label.isKeyword("abstain") ? nil : label.text, labelPlace: labelPlace,
      confidence: confidence, condition: condition)
  }

  private mutating func declaration(of name: String, at start: RulePlace) throws(RuleFault) {
    guard lists.count < RuleLimit.lists else {
      throw RuleFault(start, "there are more than \(RuleLimit.lists) lists")
    }
    let form = "write list \"NAME\" from \"FILE\" of addresses"
    try advance()
    guard token == .word("from") else {
      throw RuleFault(place, "`from` is expected, not \(token.spelled)", remedy: form)
    }
    try advance()
    guard case .text(let path) = token else {
      throw RuleFault(place, "a file in quotes is expected, not \(token.spelled)", remedy: form)
    }
    try advance()
    guard token == .word("of") else {
      throw RuleFault(place, "`of` is expected, not \(token.spelled)", remedy: form)
    }
    try advance()
    guard case .word(let word) = token, let kind = ListKind(rawValue: word) else {
      let kinds = ListKind.allCases.map(\.rawValue).joined(separator: ", ")
      throw RuleFault(place, "\(token.spelled) is no kind of list", remedy: "kinds are \(kinds)")
    }
    try advance()
    try endLine()
    lists.append(RuleListDeclaration(name: name, path: path, kind: kind, place: start))
  }

  private func endLine() throws(RuleFault) {
    guard token != .newline, token != .end else { return }
    throw RuleFault(place, "\(token.spelled) is not expected here", remedy: "a rule ends with its line")
  }

  mutating func advance() throws(RuleFault) {
    token = try lexer.next()
    place = lexer.place
  }

  /// A node, counted.
  mutating func node(_ kind: RuleNode.Kind, at place: RulePlace) throws(RuleFault) -> RuleNode {
    nodes += 1
    guard nodes <= RuleLimit.nodes else {
      throw RuleFault(place, "the rules have more than \(RuleLimit.nodes) parts")
    }
    let node = RuleNode(kind, at: place)
    guard node.depth <= RuleLimit.depth else {
      throw RuleFault(
        place, "more than \(RuleLimit.depth) parts lie in each other", remedy: "use brackets less")
    }
    return node
  }

  /// One level deeper while `body` runs.
  mutating func nested<Value>(
    _ body: (inout RuleParser) throws(RuleFault) -> Value
  ) throws(RuleFault) -> Value {
    depth += 1
    defer { depth -= 1 }
    guard depth <= RuleLimit.depth else {
      throw RuleFault(
        place, "more than \(RuleLimit.depth) parts lie in each other", remedy: "use brackets less")
    }
    return try body(&self)
  }

  /// What was to come, and where the bracket is that is open, if the text has gone on beyond its line.
  func expected(_ what: String) -> RuleFault {
    let hasEnded = token == .end || token == .newline
    guard let open = lexer.unclosed, hasEnded || open.line < place.line else {
      return RuleFault(place, "\(what) is expected, not \(token.spelled)")
    }
    let instead = hasEnded ? "" : ", not \(token.spelled),"
    return RuleFault(place, "\(what) is expected\(instead) and the bracket of \(open) is not closed")
  }
}
