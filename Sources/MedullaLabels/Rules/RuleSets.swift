/// What something may be in: a set of its type, or a list of its kind.
extension RuleChecker {
  func membership(_ node: RuleNode, _ set: RuleSet) throws(RuleFault) -> RuleCondition {
    let term = try term(node)
    switch set {
    case .list(let name): return try member(term, node, of: name)
    case .elements(let elements):
      switch term {
      case .quantity(let quantity, let type):
        return .among(quantity, try numbers(elements, node, type))
      case .address(let address): return .inAddresses(address, try addresses(elements, node))
      case .label(let label):
        return .any(try classes(elements, node).map { .sameClass(label, $0) })
      case .prefix, .condition:
        throw RuleFault(node.place, "`\(node)` is \(term.type.text), of which there are no sets")
      }
    }
  }

  private func member(
    _ term: RuleTerm, _ node: RuleNode, of name: String
  ) throws(RuleFault) -> RuleCondition {
    guard let list = lists[name] else {
      let known = lists.keys.sorted().map { "\"\($0)\"" }.joined(separator: ", ")
      throw RuleFault(
        node.place, "there is no list \"\(name)\"",
        remedy: known.isEmpty
          ? "declare it: list \"\(name)\" from \"FILE\" of addresses" : "lists are \(known)")
    }
    switch (term, list.kind) {
    case (.address(let address), .addresses): return .inList(address, list)
    case (.quantity(let quantity, .port), .ports): return .portInList(quantity, list)
    default:
      throw RuleFault(
        node.place, "`\(node)` is \(term.type.text) and list \"\(name)\" one of \(list.kind.rawValue)",
        remedy: "addresses are in lists of addresses, ports in lists of ports")
    }
  }

  private func unlike(_ node: RuleNode, _ type: RuleType, _ element: RuleNode, _ other: RuleType) -> RuleFault
  {
    RuleFault(element.place, "`\(node)` is \(type.text) and `\(element)` \(other.text)")
  }

  private func numbers(
    _ elements: [RuleElement], _ node: RuleNode, _ type: RuleType
  ) throws(RuleFault) -> RuleNumbers {
    var numbers = RuleNumbers()
    for element in elements {
      let low = try number(element.low, node, type)
      guard let end = element.high else {
        numbers.add(low, to: nil)
        continue
      }
      let high = try number(end, node, type)
      guard low <= high else { throw RuleFault(end.place, "the range `\(element)` ends before it begins") }
      numbers.add(low, to: high)
    }
    return numbers
  }

  private func number(_ node: RuleNode, _ of: RuleNode, _ type: RuleType) throws(RuleFault) -> Double {
    let term = try term(node)
    guard case .quantity(let quantity, _) = term else { throw unlike(of, type, node, term.type) }
    guard let value = Self.constant(quantity), value.isFinite else {
      throw RuleFault(
        node.place, "`\(node)` is no constant, and sets are of constants",
        remedy: "compare with ==, joined by or")
    }
    if let range = type.range, !range.contains(value) {
      throw RuleFault(
        node.place, "`\(node)` is no \(type == .port ? "port" : "protocol")",
        remedy: "it is a whole number from 0 to \(RuleText.number(range.upperBound))")
    }
    return value
  }

  private func addresses(_ elements: [RuleElement], _ node: RuleNode) throws(RuleFault) -> RuleAddresses {
    var prefixes: [IPPrefix] = []
    var ranges: [(low: IPAddress, high: IPAddress)] = []
    for element in elements {
      let low = try term(element.low)
      if let end = element.high {
        let high = try term(end)
        guard case .address(.constant(let first)) = low, case .address(.constant(let last)) = high else {
          throw RuleFault(element.low.place, "the range `\(element)` is not of addresses")
        }
        guard first.version == last.version, first.bits <= last.bits else {
          throw RuleFault(end.place, "the range `\(element)` ends before it begins")
        }
        ranges.append((first, last))
        continue
      }
      switch low {
      case .prefix(let prefix): prefixes.append(prefix)
      case .address(.constant(let address)):
        if let alone = IPPrefix(address, length: address.version.width) { prefixes.append(alone) }
      case .address:
        throw RuleFault(
          element.low.place, "`\(element.low)` is no constant, and sets are of constants",
          remedy: "compare with ==")
      default: throw unlike(node, .address, element.low, low.type)
      }
    }
    return RuleAddresses(prefixes: PrefixTable(prefixes), ranges: ranges)
  }

  private func classes(_ elements: [RuleElement], _ node: RuleNode) throws(RuleFault) -> [RuleClass] {
    var classes: [RuleClass] = []
    for element in elements {
      let term = try term(element.low)
      guard element.high == nil else {
        throw RuleFault(element.low.place, "the range `\(element)` is of classes, which have no order")
      }
      guard case .label(let label) = term else { throw unlike(node, .label, element.low, term.type) }
      classes.append(label)
    }
    return classes
  }
}
