import MedullaBase
import TestbedLink

/// What a plan or a cell holds under a name: a number, a text, a flag, or a list of them.
package enum PlanValue: Hashable, Sendable {
  case number(Double)
  case text(String)
  case flag(Bool)
  case list([PlanValue])

  /// As a person writes it: no needless decimals, no quotes.
  package var text: String {
    switch self {
    case .number(let value): short(value)
    case .text(let value): value
    case .flag(let value): value ? "true" : "false"
    case .list(let values): values.map(\.text).joined(separator: ",")
    }
  }

  /// Reads one word of a command line.
  init(word: String) {
    self = Double(word).map(PlanValue.number) ?? (Bool(word).map(PlanValue.flag) ?? .text(word))
  }
}

extension PlanValue: Codable {
  package init(from decoder: any Decoder) throws {
    let value = try decoder.singleValueContainer()
    if let flag = try? value.decode(Bool.self) {
      self = .flag(flag)
    } else if let number = try? value.decode(Double.self) {
      self = .number(number)
    } else if let text = try? value.decode(String.self) {
      self = .text(text)
    } else {
      self = .list(try value.decode([PlanValue].self))
    }
  }

  package func encode(to encoder: any Encoder) throws {
    var container = encoder.singleValueContainer()
    switch self {
    case .number(let value): try container.encode(value)
    case .text(let value): try container.encode(value)
    case .flag(let value): try container.encode(value)
    case .list(let values): try container.encode(values)
    }
  }
}

/// A type of which plans and cells hold values.
package protocol PlanKind: Hashable, Sendable {
  /// nil where the value is of another kind.
  init?(plan value: PlanValue)
  var planValue: PlanValue { get }
  /// For titles and plots.
  var label: String { get }
}

extension PlanKind {
  package var label: String { planValue.text }
}

extension Double: PlanKind {
  package init?(plan value: PlanValue) {
    guard case .number(let number) = value else { return nil }
    self = number
  }
  package var planValue: PlanValue { .number(self) }
}

extension Int: PlanKind {
  package init?(plan value: PlanValue) {
    guard case .number(let number) = value, let whole = Int(exactly: number) else { return nil }
    self = whole
  }
  package var planValue: PlanValue { .number(Double(self)) }
}

extension Bool: PlanKind {
  package init?(plan value: PlanValue) {
    guard case .flag(let flag) = value else { return nil }
    self = flag
  }
  package var planValue: PlanValue { .flag(self) }
}

extension String: PlanKind {
  package init?(plan value: PlanValue) {
    switch value {
    case .text(let text): self = text
    // A name of digits only.
    case .number: self = value.text
    default: return nil
    }
  }
  package var planValue: PlanValue { .text(self) }
}

extension Array: PlanKind where Element: PlanKind {
  package init?(plan value: PlanValue) {
    guard case .list(let values) = value else { return nil }
    let elements = values.compactMap { Element(plan: $0) }
    guard elements.count == values.count else { return nil }
    self = elements
  }
  package var planValue: PlanValue { .list(map(\.planValue)) }
}

extension SteeringScheme: PlanKind {
  package init?(plan value: PlanValue) {
    guard case .text(let name) = value else { return nil }
    self.init(name)
  }
  package var planValue: PlanValue { .text(name) }
  package var label: String { description }
}
