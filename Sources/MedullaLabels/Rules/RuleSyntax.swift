/// A part of a rule as it is written, with its place. Two are equal that say the same, wherever they stand.
package struct RuleNode: Sendable, Equatable {
  package indirect enum Kind: Sendable, Equatable {
    case number(Double)
    case address(IPAddress)
    case prefix(IPPrefix)
    case text(String)
    /// A field, or a word that stands for a value.
    case name(String)
    case negative(RuleNode)
    case arithmetic(RuleArithmetic, RuleNode, RuleNode)
    case comparison(RuleComparison, RuleNode, RuleNode)
    case membership(RuleNode, RuleSet, isNegated: Bool)
    case not(RuleNode)
    /// Two or more.
    case all([RuleNode])
    case any([RuleNode])
  }

  package let kind: Kind
  package let place: RulePlace
  /// How many parts lie in each other.
  package let depth: Int

  package init(_ kind: Kind, at place: RulePlace) {
    (self.kind, self.place) = (kind, place)
    depth = 1 + (kind.parts.map(\.depth).max() ?? 0)
  }

  package static func == (one: RuleNode, other: RuleNode) -> Bool { one.kind == other.kind }
}

package enum RuleArithmetic: String, Sendable, CaseIterable {
  case plus = "+"
  case minus = "-"
  case times = "*"
  case over = "/"
  case modulo = "%"

  /// IEEE 754: a division by zero gives an infinity, or what compares with nothing.
  func of(_ one: Double, _ other: Double) -> Double {
    switch self {
    case .plus: one + other
    case .minus: one - other
    case .times: one * other
    case .over: one / other
    case .modulo: one.truncatingRemainder(dividingBy: other)
    }
  }
}

package enum RuleComparison: String, Sendable, CaseIterable {
  case less = "<"
  case lessOrEqual = "<="
  case greater = ">"
  case greaterOrEqual = ">="
  case equal = "=="
  case unequal = "!="

  func holds(_ one: Double, _ other: Double) -> Bool {
    switch self {
    case .less: one < other
    case .lessOrEqual: one <= other
    case .greater: one > other
    case .greaterOrEqual: one >= other
    case .equal: one == other
    case .unequal: one != other
    }
  }
}

/// What something may be `in`.
package indirect enum RuleSet: Sendable, Equatable {
  case elements([RuleElement])
  case list(String)
}

/// One value, or all from one to another.
package struct RuleElement: Sendable, Equatable {
  package let low: RuleNode
  package let high: RuleNode?

  package init(_ low: RuleNode, to high: RuleNode? = nil) {
    (self.low, self.high) = (low, high)
  }
}

/// A rule as it is written.
package struct RuleStatement: Sendable, Equatable {
  /// nil: it is called by its line.
  package let name: String?
  /// nil: `abstain`.
  package let label: String?
  package let labelPlace: RulePlace
  /// 1 where none is written.
  package let confidence: Double
  package let condition: RuleNode

  package init(
    name: String?, label: String?, labelPlace: RulePlace, confidence: Double, condition: RuleNode
  ) {
    (self.name, self.label, self.labelPlace) = (name, label, labelPlace)
    (self.confidence, self.condition) = (confidence, condition)
  }

  package static func == (one: RuleStatement, other: RuleStatement) -> Bool {
    (one.name, one.label, one.confidence) == (other.name, other.label, other.confidence)
      && one.condition == other.condition
  }
}

/// `list "NAME" from "FILE" of KIND`.
package struct RuleListDeclaration: Sendable, Equatable {
  package let name: String
  package let path: String
  package let kind: ListKind
  package let place: RulePlace

  package static func == (one: RuleListDeclaration, other: RuleListDeclaration) -> Bool {
    (one.name, one.path, one.kind) == (other.name, other.path, other.kind)
  }
}

extension RuleNode.Kind {
  var parts: [RuleNode] {
    switch self {
    case .number, .address, .prefix, .text, .name: []
    case .negative(let one), .not(let one): [one]
    case .arithmetic(_, let one, let other), .comparison(_, let one, let other): [one, other]
    case .all(let parts), .any(let parts): parts
    case .membership(let one, .list, _): [one]
    case .membership(let one, .elements(let elements), _):
      [one] + elements.flatMap { [$0.low] + ($0.high.map { [$0] } ?? []) }
    }
  }
}
