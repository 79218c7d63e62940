import Foundation

/// JSON as every command prints it: keys sorted, indented.
package enum JSONText {
  package enum Keys: Sendable {
    case snakeCase
    /// As the type's coding keys say.
    case asNamed
  }

  package static func encode(_ value: some Encodable, keys: Keys = .snakeCase) throws -> String {
    let encoder = JSONEncoder()
    if keys == .snakeCase { encoder.keyEncodingStrategy = .convertToSnakeCase }
    encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
    return String(decoding: try encoder.encode(value), as: UTF8.self)
  }
}
