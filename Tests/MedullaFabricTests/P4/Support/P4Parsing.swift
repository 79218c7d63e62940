/// Trees of expressions and statements.
extension P4Tokens {
  private static let comparisons: Set<String> = ["==", "!=", "<", ">", "<=", ">="]
  private static let arithmetic: Set<String> = ["+", "-", "&", "|", "^", "<<", "++"]

  mutating func expression() throws -> P4Expression {
    var left = try conjunction()
    while takes("||") { left = .binary("||", left, try conjunction()) }
    return left
  }

  private mutating func conjunction() throws -> P4Expression {
    var left = try comparison()
    while takes("&&") { left = .binary("&&", left, try comparison()) }
    return left
  }

  private mutating func comparison() throws -> P4Expression {
    let left = try chain()
    guard Self.comparisons.contains(next), !(next == ">" && peek(1) == ">") else { return left }
    let sign = take()
    return .binary(sign, left, try chain())
  }

  /// Operators of one kind, one after the other.
  private mutating func chain() throws -> P4Expression {
    var left = try unary()
    var kind: String?
    while Self.arithmetic.contains(next) || (next == ">" && peek(1) == ">") {
      var sign = take()
      if sign == ">" { sign += take() }
      guard kind == nil || kind == sign, !(kind != nil && ["-", "<<", ">>"].contains(sign)) else {
        throw P4Error("\(kind ?? "") and \(sign) stand together without parentheses")
      }
      kind = sign
      left = .binary(sign, left, try unary())
    }
    return left
  }

  private mutating func unary() throws -> P4Expression {
    if takes("!") { return .not(try unary()) }
    if next == "(", peek(1) == "bit" {
      try expect("(")
      let width = try width()
      try expect(")")
      return .cast(try unary(), width: width)
    }
    var value = try primary()
    while takes("[") {
      let high = try integer()
      try expect(":")
      value = .slice(value, high: high, low: try integer())
      try expect("]")
    }
    return value
  }

  private mutating func primary() throws -> P4Expression {
    if takes("(") {
      let inside = try expression()
      try expect(")")
      return inside
    }
    if next.first?.isNumber == true { return try Self.number(take()) }
    let path = try path()
    if next == ".", peek(1) == "isValid" {
      try expect(".", "isValid", "(", ")")
      return .isValid(path)
    }
    if next == ".", peek(1) == "apply" {
      try expect(".", "apply", "(", ")", ".", "hit")
      return .hit(table: path)
    }
    return .name(path)
  }

  /// `7`, `0x1f`, `64w0x80`
  private static func number(_ token: String) throws -> P4Expression {
    let parts = token.split(separator: "w", maxSplits: 1)
    let digits = parts[parts.count - 1]
    let value = digits.hasPrefix("0x") ? UInt64(digits.dropFirst(2), radix: 16) : UInt64(digits)
    guard let value, let width = parts.count > 1 ? Int(parts[0]) : 0 else { throw P4Error("\(token)?") }
    return .number(value, width: parts.count > 1 ? width : nil)
  }

  /// What is between braces.
  mutating func block() throws -> [P4Statement] {
    try expect("{")
    var statements: [P4Statement] = []
    while !takes("}") {
      guard !isAtEnd else { throw P4Error("a brace is open at the end") }
      statements.append(try statement())
    }
    return statements
  }

  private mutating func statement() throws -> P4Statement {
    if takes("if") {
      try expect("(")
      let condition = try expression()
      try expect(")")
      let then = try block()
      guard takes("else") else { return .choose(condition, then, []) }
      return .choose(condition, then, next == "if" ? [try statement()] : try block())
    }
    if next == "bit" {
      let width = try width()
      let name = take()
      let value = takes("=") ? try expression() : nil
      try expect(";")
      return .declare(name, width: width, value)
    }
    var path = try path()
    if takes("=") {
      let value = try expression()
      try expect(";")
      return .assign(path, value)
    }
    if next == "." { path += take() + take() }
    try expect("(")
    var arguments: [P4Expression] = []
    while !takes(")") {
      arguments.append(try expression())
      if next != ")" { try expect(",") }
    }
    try expect(";")
    return .call(path, arguments)
  }
}

/// Declarations.
extension P4Source {
  init(_ text: String) throws {
    var tokens = P4Tokens(text)
    while !tokens.isAtEnd {
      switch tokens.take() {
      case "const":
        _ = try tokens.width()
        let name = tokens.take()
        try tokens.expect("=")
        constants[name] = try tokens.expression()
        try tokens.expect(";")
      case "header", "struct": try declareType(&tokens)
      case "parser": try declareParser(&tokens)
      case "control": try declareControl(&tokens)
      case "V1Switch":
        try tokens.expect(
          "(", "CellParser", "(", ")", ",", "CellVerify", "(", ")", ",", "CellIngress", "(", ")")
        try tokens.expect(",", "CellEgress", "(", ")", ",", "CellChecksum", "(", ")", ",", "CellDeparser")
        try tokens.expect("(", ")", ")", "main", ";")
      case let other: throw P4Error("\(other) begins no declaration")
      }
    }
  }

  private mutating func declareType(_ tokens: inout P4Tokens) throws {
    let name = tokens.take()
    var fields: [Field] = []
    try tokens.expect("{")
    while !tokens.takes("}") {
      let isKept = tokens.takes("@")
      if isKept { try tokens.expect("field_list", "(", "1", ")") }
      if tokens.next == "bit" {
        let width = try tokens.width()
        fields.append(Field(name: tokens.take(), width: width, isKept: isKept))
      } else {
        let type = tokens.take()
        headers.append((tokens.take(), type))
      }
      try tokens.expect(";")
    }
    types[name] = fields
  }

  /// Parameters in parentheses; those of widths are given.
  private static func parameters(_ tokens: inout P4Tokens) throws -> [(name: String, width: Int)] {
    var parameters: [(String, Int)] = []
    try tokens.expect("(")
    while !tokens.takes(")") {
      if tokens.next == "bit" {
        let width = try tokens.width()
        parameters.append((tokens.take(), width))
      } else {
        while tokens.next != ",", tokens.next != ")" { _ = tokens.take() }
      }
      if tokens.next != ")" { try tokens.expect(",") }
    }
    return parameters
  }

  private mutating func declareParser(_ tokens: inout P4Tokens) throws {
    try tokens.expect("CellParser")
    _ = try Self.parameters(&tokens)
    try tokens.expect("{")
    while tokens.takes("state") {
      let name = tokens.take()
      var state = State()
      try tokens.expect("{")
      while tokens.takes("packet") {
        try tokens.expect(".", "extract", "(")
        state.extracts.append(try tokens.path())
        try tokens.expect(")", ";")
      }
      try tokens.expect("transition")
      if tokens.takes("select") {
        try tokens.expect("(")
        state.selects = try tokens.expression()
        try tokens.expect(")", "{")
        while !tokens.takes("}") {
          let value: P4Expression? = tokens.takes("default") ? nil : try tokens.expression()
          try tokens.expect(":")
          state.cases.append((value, tokens.take()))
          try tokens.expect(";")
        }
      } else {
        state.next = tokens.take()
        try tokens.expect(";")
      }
      try tokens.expect("}")
      states[name] = state
    }
    try tokens.expect("}")
  }

  private mutating func declareControl(_ tokens: inout P4Tokens) throws {
    let name = tokens.take()
    _ = try Self.parameters(&tokens)
    try tokens.expect("{")
    var control = Control()
    while !tokens.takes("}") {
      switch tokens.take() {
      case "register":
        try tokens.expect("<")
        let width = try tokens.width()
        try tokens.expect(">", "(")
        let size = try tokens.integer()
        try tokens.expect(")")
        control.registers[tokens.take()] = (width, size)
        try tokens.expect(";")
      case "action":
        let action = tokens.take()
        let parameters = try Self.parameters(&tokens)
        control.actions[action] = Action(parameters: parameters, body: try tokens.block())
      case "table": try Self.declareTable(&tokens, in: &control)
      case "apply": control.apply = try tokens.block()
      case let other: throw P4Error("\(other) is nothing in a control")
      }
    }
    controls[name] = control
  }

  private static func declareTable(_ tokens: inout P4Tokens, in control: inout Control) throws {
    let name = tokens.take()
    var table = Table()
    try tokens.expect("{", "key", "=", "{")
    while !tokens.takes("}") {
      table.key.append(.name(try tokens.path()))
      try tokens.expect(":", "exact", ";")
    }
    try tokens.expect("actions", "=", "{")
    while !tokens.takes("}") {
      table.actions.append(tokens.take())
      try tokens.expect(";")
    }
    try tokens.expect("default_action", "=")
    table.defaultAction = tokens.take()
    try tokens.expect("(", ")", ";", "size", "=")
    table.size = try tokens.integer()
    try tokens.expect(";", "}")
    control.tables[name] = table
  }
}
