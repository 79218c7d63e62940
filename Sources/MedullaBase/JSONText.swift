import Foundation

/// JSON in the project's two forms: keys sorted, and indented where people read it.
package enum JSONText {
  package enum Keys: Sendable {
    case snakeCase
    /// As the type's coding keys say.
    case asNamed
  }

  /// As every command prints it.
  package static func encode(_ value: some Encodable, keys: Keys = .snakeCase) throws -> String {
    let encoder = JSONEncoder()
    if keys == .snakeCase { encoder.keyEncodingStrategy = .convertToSnakeCase }
    encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
    return String(decoding: try encoder.encode(value), as: UTF8.self)
  }

  /// One line for machines: keys sorted, so that equal values give equal bytes.
  package static func line(_ value: some Encodable) throws -> [UInt8] {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    return [UInt8](try encoder.encode(value))
  }
}
