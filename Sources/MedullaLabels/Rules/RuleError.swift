import MedullaBase

/// Why rules cannot be used.
package enum RuleErrorCode: String, Sendable, Codable {
  /// The file cannot be read, or is too large.
  case unreadable
  /// What stands there is no rule, or its types do not fit.
  case malformed
}

package typealias RuleError = CodedError<RuleErrorCode>

/// Where something stands in a text: line and column from 1, the column in characters.
package struct RulePlace: Sendable, Hashable, CustomStringConvertible {
  package let line: Int
  package let column: Int

  package init(line: Int, column: Int) {
    (self.line, self.column) = (line, column)
  }

  package var description: String { "line \(line), column \(column)" }
}

/// One thing that is wrong with a text of rules.
package struct RuleFault: Error, Sendable, Equatable, CustomStringConvertible {
  package let place: RulePlace
  package let message: String
  /// What to do about it; empty where the message says it.
  package let remedy: String

  init(_ place: RulePlace, _ message: String, remedy: String = "") {
    (self.place, self.message, self.remedy) = (place, message, remedy)
  }

  package var description: String { "\(place): \(message)" }

  /// The first of them as the message, all in the log.
  static func error(_ faults: [RuleFault], in name: String) -> RuleError {
    let first = faults.first
    let others = faults.count > 1 ? " (and \(faults.count - 1) more)" : ""
    return RuleError(
      .malformed, "\(name): \(first?.description ?? "there is no rule")\(others)",
      remedy: first.map { $0.remedy.isEmpty ? Self.manual : $0.remedy } ?? Self.manual,
      log: faults.map { "\(name): \($0)" }.joined(separator: "\n"))
  }

  private static let manual = "the language is in docs/reference/rules.md"
}

/// How much of a text of rules is taken: each bound ends a parser's loop or recursion.
package enum RuleLimit {
  package static let bytes = 1 << 20
  package static let rules = 4_096
  /// Parts of a condition that lie in each other.
  package static let depth = 64
  /// Parts of all conditions together.
  package static let nodes = 100_000
  package static let elements = 4_096
  /// Named lists that are declared.
  package static let lists = 64
  /// Bytes of a word, a name or a text.
  package static let word = 256
  /// That are told of one text.
  package static let faults = 20
}
