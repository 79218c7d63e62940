/// One thing that is wrong in a configuration.
package struct ConfigurationProblem: Error, Equatable, Sendable, CustomStringConvertible {
  package let position: TextPosition
  /// The key with the tables around it, such as `function.gates.alpha`; empty for the file as a whole.
  package let key: String
  /// What is wrong, and what would be right.
  package let message: String

  package init(_ position: TextPosition, key: String = "", _ message: String) {
    self.position = position
    self.key = Self.line(key)
    self.message = Self.line(message)
  }

  /// A text without control characters, so that a problem is one line whatever the file holds.
  private static func line(_ text: String) -> String {
    text.unicodeScalars.map {
      $0.properties.generalCategory == .control ? $0.escaped(asASCII: true) : String($0)
    }.joined()
  }

  package var description: String {
    key.isEmpty ? "\(position): \(message)" : "\(position): \(key): \(message)"
  }
}
