/// Statements and expressions in a switch.
extension P4Switch {
  func run(_ statements: [P4Statement]) throws {
    for statement in statements {
      switch statement {
      case .declare(let name, let width, let value):
        locals[name] = try value.map { try evaluate($0, width: width) } ?? P4Bits(width: width)
        try check(locals[name], is: width, "declaration of \(name)")
      case .assign(let path, let value):
        guard let old = locals[path] ?? fields[path] else { throw P4Error("there is no \(path)") }
        try assign(path, evaluate(value, width: old.width))
      case .call(let path, let arguments): try call(path, arguments)
      case .choose(let condition, let then, let otherwise): try run(decide(condition) ? then : otherwise)
      }
    }
  }

  func assign(_ path: String, _ value: P4Bits) throws {
    if let old = locals[path] {
      try check(value, is: old.width, path)
      locals[path] = value
    } else {
      try check(value, is: fields[path]?.width, path)
      fields[path] = value
    }
  }

  private func check(_ value: P4Bits?, is width: Int?, _ what: String) throws {
    guard let value, value.width == width else {
      throw P4Error("\(what) has \(width ?? -1) bits, and gets \(value?.width ?? -1)")
    }
  }

  func decide(_ condition: P4Expression) throws -> Bool {
    switch condition {
    case .not(let inside): return try !decide(inside)
    case .isValid(let header): return valid.contains(header)
    case .hit(let table): return try apply(table: table)
    case .binary("&&", let one, let other): return try decide(one) && decide(other)
    case .binary("||", let one, let other): return try decide(one) || decide(other)
    case .binary(let sign, let one, let other):
      let (a, b) = try pair(one, other)
      switch sign {
      case "==": return a == b
      case "!=": return a != b
      case "<": return a < b
      case ">": return b < a
      case "<=": return !(b < a)
      case ">=": return !(a < b)
      default: throw P4Error("\(sign) decides nothing")
      }
    default: throw P4Error("a number decides nothing")
    }
  }

  /// A number without a width has that of what it stands beside.
  private func pair(_ one: P4Expression, _ other: P4Expression) throws -> (P4Bits, P4Bits) {
    if case .number(_, nil) = one {
      let b = try evaluate(other, width: nil)
      return (try evaluate(one, width: b.width), b)
    }
    let a = try evaluate(one, width: nil)
    let b = try evaluate(other, width: a.width)
    guard a.width == b.width else { throw P4Error("\(a.width) and \(b.width) bits stand together") }
    return (a, b)
  }

  /// - Parameter width: of numbers that have none.
  func evaluate(_ expression: P4Expression, width: Int?) throws -> P4Bits {
    switch expression {
    case .number(let value, let own):
      guard let width = own ?? width else { throw P4Error("\(value) has no width") }
      guard width >= 64 || value >> UInt64(width) == 0 else { throw P4Error("\(value) in \(width) bits") }
      return P4Bits(value, width: width)
    case .name(let path):
      if let value = locals[path] ?? fields[path] { return value }
      guard let constant = source.constants[path] else { throw P4Error("there is no \(path)") }
      return try evaluate(constant, width: width)
    case .slice(let inside, let high, let low):
      let value = try evaluate(inside, width: nil)
      guard high >= low, high < value.width else { throw P4Error("[\(high):\(low)] of \(value.width) bits") }
      return value.slice(high, low)
    case .cast(let inside, let width): return try evaluate(inside, width: width).cast(to: width)
    case .binary("++", let one, let other):
      return try evaluate(one, width: nil).followed(by: evaluate(other, width: nil))
    case .binary("<<", let one, let other): return try shift(one, other, width) { $0 << $1 }
    case .binary(">>", let one, let other): return try shift(one, other, width) { $0 >> $1 }
    case .binary(let sign, let one, let other):
      let (a, b) = try pair(one, other)
      switch sign {
      case "+": return a + b
      case "-": return a - b
      case "&": return a & b
      case "|": return a | b
      case "^": return a ^ b
      default: throw P4Error("\(sign) gives no number")
      }
    case .not, .isValid, .hit: throw P4Error("a condition is no number")
    }
  }

  /// BMv2 takes at most 8 bits of what it shifts by.
  private func shift(
    _ one: P4Expression, _ by: P4Expression, _ width: Int?, _ body: (P4Bits, Int) -> P4Bits
  ) throws -> P4Bits {
    let count = try evaluate(by, width: 8)
    guard count.width == 8 else { throw P4Error("a shift by \(count.width) bits") }
    return body(try evaluate(one, width: width), Int(count.value))
  }
}
