/// Why a network could not be read, checked or written.
public struct ModelError: Error, Equatable, Sendable, CustomStringConvertible {
  public enum Code: String, Sendable {
    case malformedFile
    case unsupportedOperator
    case unsupportedAttribute
    case unsupportedOpset
    case unsupportedShape
    case unsupportedType
    case missingData
    case shapeMismatch
    case io
  }

  public let code: Code
  /// What happened, with the node or layer by name.
  public let message: String
  /// What the user can do about it.
  public let remedy: String

  public init(_ code: Code, _ message: String, remedy: String = "") {
    self.code = code
    self.message = message
    self.remedy = remedy
  }

  public var description: String {
    remedy.isEmpty ? "\(message) [\(code.rawValue)]" : "\(message) [\(code.rawValue)]\n  help: \(remedy)"
  }
}
