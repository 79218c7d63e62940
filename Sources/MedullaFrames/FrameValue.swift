/// A JSON value of a frame's header.
package enum FrameValue: Sendable, Equatable {
  case null
  case flag(Bool)
  /// JSON has no other numbers: whole numbers are exact to 2⁵³.
  case number(Double)
  case text(String)
  case list([FrameValue])
  case object([String: FrameValue])

  package var text: String? { if case .text(let text) = self { text } else { nil } }
  package var number: Double? { if case .number(let number) = self { number } else { nil } }
  package var list: [FrameValue]? { if case .list(let list) = self { list } else { nil } }
  package var object: [String: FrameValue]? { if case .object(let object) = self { object } else { nil } }

  /// A whole number of at least 0 that is exact in a double.
  package var count: Int? {
    guard let number, number >= 0, number <= 0x1p53, number == number.rounded() else { return nil }
    return Int(number)
  }
}

extension FrameValue: ExpressibleByStringLiteral, ExpressibleByIntegerLiteral, ExpressibleByFloatLiteral,
  ExpressibleByBooleanLiteral, ExpressibleByArrayLiteral, ExpressibleByDictionaryLiteral
{
  package init(stringLiteral text: String) { self = .text(text) }
  package init(integerLiteral number: Int) { self = .number(Double(number)) }
  package init(floatLiteral number: Double) { self = .number(number) }
  package init(booleanLiteral flag: Bool) { self = .flag(flag) }
  package init(arrayLiteral elements: FrameValue...) { self = .list(elements) }
  package init(dictionaryLiteral elements: (String, FrameValue)...) {
    self = .object(Dictionary(elements) { $1 })
  }
  package init(_ count: Int) { self = .number(Double(count)) }
}
