/// Why a training run could not start, go on or be saved.
public struct LearningError: Error, Equatable, Sendable, CustomStringConvertible {
  public enum Code: String, Sendable {
    case invalidScenario
    case invalidOption
    case malformedCheckpoint
    case shapeMismatch
    case diverged
    case io
  }

  public let code: Code
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
