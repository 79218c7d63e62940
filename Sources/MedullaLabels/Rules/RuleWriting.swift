/// Rules as text again: brackets stand only where the order of the operators needs them.
extension RuleStatement: CustomStringConvertible {
  package var description: String {
    let head = name.map { RuleText.label($0) + ": " } ?? ""
    let said = label.map { RuleText.label($0) } ?? "abstain"
    let sureness = confidence == 1 ? "" : " @ \(confidence)"
    return "\(head)\(said)\(sureness) if \(condition)"
  }
}

extension RuleListDeclaration: CustomStringConvertible {
  package var description: String {
    "list \(RuleText.quoted(name)) from \(RuleText.quoted(path)) of \(kind.rawValue)"
  }
}

extension RuleNode: CustomStringConvertible {
  package var description: String {
    switch kind {
    case .number(let value): RuleText.number(value)
    case .address(let address): "\(address)"
    case .prefix(let prefix): "\(prefix)"
    case .text(let text): RuleText.quoted(text)
    case .name(let name): name
    case .negative(let one): "-\(one.text(atLeast: .unary))"
    case .arithmetic(let sign, let one, let other):
      "\(one.text(atLeast: order)) \(sign.rawValue) \(other.text(atLeast: order.next))"
    case .comparison(let sign, let one, let other):
      "\(one.text(atLeast: .sum)) \(sign.rawValue) \(other.text(atLeast: .sum))"
    case .membership(let one, let set, let isNegated):
      "\(one.text(atLeast: .sum)) \(isNegated ? "not in" : "in") \(set)"
    case .not(let one): "not \(one.text(atLeast: .not))"
    case .all(let parts): parts.map { $0.text(atLeast: .not) }.joined(separator: " and ")
    case .any(let parts): parts.map { $0.text(atLeast: .all) }.joined(separator: " or ")
    }
  }

  fileprivate func text(atLeast least: RuleOrder) -> String {
    order.rawValue >= least.rawValue ? description : "(\(description))"
  }

  private var order: RuleOrder {
    switch kind {
    case .number, .address, .prefix, .text, .name: .primary
    case .negative: .unary
    case .arithmetic(let sign, _, _): sign == .plus || sign == .minus ? .sum : .product
    case .comparison, .membership: .comparison
    case .not: .not
    case .all: .all
    case .any: .any
    }
  }
}

/// Which operators hold closer together: a later one closer.
private enum RuleOrder: Int {
  case any, all, not, comparison, sum, product, unary, primary

  var next: RuleOrder { RuleOrder(rawValue: rawValue + 1) ?? .primary }
}

extension RuleSet: CustomStringConvertible {
  package var description: String {
    switch self {
    case .elements(let elements): "{\(elements.map(\.description).joined(separator: ", "))}"
    case .list(let name): "list \(RuleText.quoted(name))"
    }
  }
}

extension RuleElement: CustomStringConvertible {
  package var description: String {
    let begin = low.text(atLeast: .sum)
    return high.map { "\(begin)..\($0.text(atLeast: .sum))" } ?? begin
  }
}
