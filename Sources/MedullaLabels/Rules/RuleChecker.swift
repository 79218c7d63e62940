/// A part of a condition, with its type.
enum RuleTerm {
  case quantity(RuleQuantity, RuleType)
  case address(RuleAddress)
  case prefix(IPPrefix)
  case label(RuleClass)
  case condition(RuleCondition)

  var type: RuleType {
    switch self {
    case .quantity(_, let type): type
    case .address: .address
    case .prefix: .prefix
    case .label: .label
    case .condition: .condition
    }
  }
}

/// Gives the parts of rules their types, by the schema that their samples have, and refuses what does not
/// fit.
struct RuleChecker {
  let fields: RuleFields
  let lists: [String: WatchedList]

  func condition(_ node: RuleNode) throws(RuleFault) -> RuleCondition {
    let term = try term(node)
    guard case .condition(let condition) = term else {
      throw RuleFault(
        node.place, "`\(node)` is \(term.type.text), where a condition is expected",
        remedy: term.type.isQuantity ? "compare it, as in \(node) > 0" : "")
    }
    return condition
  }

  func term(_ node: RuleNode) throws(RuleFault) -> RuleTerm {
    switch node.kind {
    case .number(let value): return .quantity(.constant(value), .number)
    case .address(let address): return .address(.constant(address))
    case .prefix(let prefix): return .prefix(prefix)
    case .text(let text): return .label(.constant(try place(of: text, node.place)))
    case .name(let name): return try value(of: name, node.place)
    case .negative(let one): return .quantity(.negative(try quantity(one, "a minus takes").0), .number)
    case .arithmetic(let sign, let one, let other):
      let (first, _) = try quantity(one, "`\(sign.rawValue)` takes")
      let (second, _) = try quantity(other, "`\(sign.rawValue)` takes")
      return .quantity(.arithmetic(sign, first, second), .number)
    case .comparison(let sign, let one, let other): return .condition(try comparison(sign, one, other))
    case .membership(let one, let set, let isNegated):
      let condition = try membership(one, set)
      return .condition(isNegated ? .not(condition) : condition)
    case .not(let one): return .condition(.not(try self.condition(one)))
    case .all(let parts): return .condition(.all(try conditions(parts)))
    case .any(let parts): return .condition(.any(try conditions(parts)))
    }
  }

  private func conditions(_ parts: [RuleNode]) throws(RuleFault) -> [RuleCondition] {
    var conditions: [RuleCondition] = []
    for part in parts { conditions.append(try condition(part)) }
    return conditions
  }

  /// The place of a class among the network's.
  func place(of label: String, _ place: RulePlace) throws(RuleFault) -> Int {
    guard let found = fields.schema.place(of: label) else {
      throw RuleFault(
        place, "there is no class `\(label)`",
        remedy: "the network's are \(fields.schema.classes.joined(separator: ", "))")
    }
    return found
  }

  private func value(of name: String, _ place: RulePlace) throws(RuleFault) -> RuleTerm {
    switch try fields.field(name, at: place) {
    case .quantity(let source, let type): .quantity(.value(source), type)
    case .constant(let value, let type): .quantity(.constant(value), type)
    case .address(let address): .address(address)
    case .label(let label): .label(label)
    }
  }

  private func quantity(_ node: RuleNode, _ what: String) throws(RuleFault) -> (RuleQuantity, RuleType) {
    let term = try term(node)
    guard case .quantity(let quantity, let type) = term else {
      throw RuleFault(node.place, "\(what) numbers, and `\(node)` is \(term.type.text)")
    }
    return (quantity, type)
  }

  private func comparison(
    _ sign: RuleComparison, _ one: RuleNode, _ other: RuleNode
  ) throws(RuleFault) -> RuleCondition {
    let (first, second) = (try term(one), try term(other))
    let isEquality = sign == .equal || sign == .unequal
    let equal: RuleCondition
    switch (first, second) {
    case (.quantity(let left, let leftType), .quantity(let right, let rightType)):
      try checkRange(of: right, in: leftType, other)
      try checkRange(of: left, in: rightType, one)
      return .compare(left, sign, right)
    case (.address(let left), .address(let right)): equal = .sameAddress(left, right)
    case (.address(let left), .prefix(let right)), (.prefix(let right), .address(let left)):
      equal = .inAddresses(left, RuleAddresses(prefixes: PrefixTable([right]), ranges: []))
    case (.label(let left), .label(let right)): equal = .sameClass(left, right)
    default: throw Self.unlike(one, first, other, second)
    }
    guard isEquality else {
      throw RuleFault(
        one.place, "`\(sign.rawValue)` compares numbers, and `\(one)` is \(first.type.text)",
        remedy: "compare by == and !=, or by in")
    }
    return sign == .equal ? equal : .not(equal)
  }

  private static func unlike(
    _ one: RuleNode, _ first: RuleTerm, _ other: RuleNode, _ second: RuleTerm
  ) -> RuleFault {
    let left = "`\(one)` is \(first.type.text)"
    let right = second.type == first.type ? "`\(other)` too" : "`\(other)` \(second.type.text)"
    let remedy = first.type == .condition || second.type == .condition ? "join conditions by and, or" : ""
    return RuleFault(other.place, "\(left) and \(right)", remedy: remedy)
  }

  /// A number that is compared with a port, or with a protocol, is one that there is.
  private func checkRange(of quantity: RuleQuantity, in type: RuleType, _ node: RuleNode) throws(RuleFault) {
    guard let range = type.range, let value = Self.constant(quantity) else { return }
    guard range.contains(value), value == value.rounded() else {
      throw RuleFault(
        node.place, "`\(node)` is no \(type == .port ? "port" : "protocol")",
        remedy: "it is a whole number from 0 to \(RuleText.number(range.upperBound))")
    }
  }

  static func constant(_ quantity: RuleQuantity) -> Double? {
    switch quantity {
    case .constant(let value): return value
    case .value: return nil
    case .negative(let one): return constant(one).map { -$0 }
    case .arithmetic(let sign, let one, let other):
      guard let left = constant(one), let right = constant(other) else { return nil }
      return sign.of(left, right)
    }
  }
}
