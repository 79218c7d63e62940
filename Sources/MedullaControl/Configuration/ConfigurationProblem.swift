/// One thing that is wrong in a configuration.
public struct ConfigurationProblem: Error, Equatable, Sendable, CustomStringConvertible {
  /// Counted from 1.
  public let line: Int
  /// The key with the tables around it, such as `function.gates.alpha`; empty for the file as a whole.
  public let key: String
  public let message: String

  public init(line: Int, key: String, message: String) {
    self.line = line
    self.key = key
    self.message = message
  }

  public var description: String {
    key.isEmpty ? "line \(line): \(message)" : "line \(line): \(key): \(message)"
  }
}
