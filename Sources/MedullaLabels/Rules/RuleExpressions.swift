/// Conditions, from what holds loosest to what holds closest:
///
///     condition  = both {"or" both}
///     both       = negated {"and" negated}
///     negated    = "not" negated | comparison
///     comparison = sum [SIGN sum | ["not"] "in" set]
///     sum        = product {("+" | "-") product}
///     product    = unary {("*" | "/" | "%") unary}
///     unary      = "-" unary | NUMBER | ADDRESS | PREFIX | TEXT | WORD | "(" condition ")"
///     set        = "{" element {"," element} "}" | PREFIX | "list" TEXT
///     element    = sum [".." sum]
extension RuleParser {
  mutating func expression() throws(RuleFault) -> RuleNode {
    let start = place
    var parts = [try both()]
    while token == .word("or") {
      try advance()
      parts.append(try both())
    }
    return parts.count == 1 ? parts[0] : try node(.any(parts), at: start)
  }

  private mutating func both() throws(RuleFault) -> RuleNode {
    let start = place
    var parts = [try negated()]
    while token == .word("and") {
      try advance()
      parts.append(try negated())
    }
    return parts.count == 1 ? parts[0] : try node(.all(parts), at: start)
  }

  private mutating func negated() throws(RuleFault) -> RuleNode {
    guard token == .word("not") else { return try comparison() }
    let start = place
    try advance()
    let one = try nested { parser throws(RuleFault) in try parser.negated() }
    return try node(.not(one), at: start)
  }

  private mutating func comparison() throws(RuleFault) -> RuleNode {
    let start = place
    let one = try sum()
    if case .symbol(let symbol) = token, let sign = RuleComparison(rawValue: symbol.rawValue) {
      try advance()
      let compared = try node(.comparison(sign, one, try sum()), at: start)
      if case .symbol(let symbol) = token, RuleComparison(rawValue: symbol.rawValue) != nil {
        throw RuleFault(
          place, "a comparison is not compared again", remedy: "write a < b and b < c")
      }
      return compared
    }
    guard token == .word("in") || token == .word("not") else { return one }
    let isNegated = token == .word("not")
    if isNegated { try advance() }
    guard token == .word("in") else { throw expected("`in`") }
    try advance()
    return try node(.membership(one, try set(), isNegated: isNegated), at: start)
  }

  private mutating func set() throws(RuleFault) -> RuleSet {
    if case .prefix(let prefix) = token {
      let element = try node(.prefix(prefix), at: place)
      try advance()
      return .elements([RuleElement(element)])
    }
    if token == .word("list") {
      try advance()
      guard case .text(let name) = token else { throw expected("a list's name in quotes") }
      try advance()
      return .list(name)
    }
    guard token == .symbol(.openBrace) else {
      throw RuleFault(
        place, "\(token.spelled) is no set", remedy: "write in {…}, in list \"NAME\", or in a prefix")
    }
    try advance()
    var elements: [RuleElement] = []
    while token != .symbol(.closeBrace) {
      guard elements.count < RuleLimit.elements else {
        throw RuleFault(
          place, "a set has more than \(RuleLimit.elements) elements", remedy: "read them from a list's file")
      }
      elements.append(try element())
      guard token == .symbol(.comma) else { break }
      try advance()
    }
    guard token == .symbol(.closeBrace) else { throw expected("`,` or `}`") }
    guard !elements.isEmpty else { throw RuleFault(place, "a set has no elements") }
    try advance()
    return .elements(elements)
  }

  private mutating func element() throws(RuleFault) -> RuleElement {
    let low = try sum()
    guard token == .symbol(.range) else { return RuleElement(low) }
    try advance()
    return RuleElement(low, to: try sum())
  }

  private mutating func sum() throws(RuleFault) -> RuleNode {
    let start = place
    var one = try product()
    while token == .symbol(.plus) || token == .symbol(.minus) {
      let sign: RuleArithmetic = token == .symbol(.plus) ? .plus : .minus
      try advance()
      one = try node(.arithmetic(sign, one, try product()), at: start)
    }
    return one
  }

  private mutating func product() throws(RuleFault) -> RuleNode {
    let start = place
    var one = try unary()
    while case .symbol(let symbol) = token, let sign = RuleArithmetic(rawValue: symbol.rawValue),
      sign != .plus, sign != .minus
    {
      try advance()
      one = try node(.arithmetic(sign, one, try unary()), at: start)
    }
    return one
  }

  private mutating func unary() throws(RuleFault) -> RuleNode {
    let start = place
    switch token {
    case .symbol(.minus):
      try advance()
      let one = try nested { parser throws(RuleFault) in try parser.unary() }
      return try node(.negative(one), at: start)
    case .symbol(.open):
      try advance()
      let inner = try nested { parser throws(RuleFault) in try parser.expression() }
      guard token == .symbol(.close) else { throw expected("`)`") }
      try advance()
      return inner
    case .number(let value): return try leaf(.number(value), at: start)
    case .address(let address): return try leaf(.address(address), at: start)
    case .prefix(let prefix): return try leaf(.prefix(prefix), at: start)
    case .text(let text): return try leaf(.text(text), at: start)
    case .word(let word) where word == "unsure" || !RuleText.keywords.contains(word):
      return try leaf(.name(word), at: start)
    default: throw expected("a value")
    }
  }

  private mutating func leaf(_ kind: RuleNode.Kind, at start: RulePlace) throws(RuleFault) -> RuleNode {
    try advance()
    return try node(kind, at: start)
  }
}
