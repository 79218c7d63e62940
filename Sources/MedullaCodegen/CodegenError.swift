/// Why no program can be generated for a shape.
public struct CodegenError: Error, Equatable, Sendable, CustomStringConvertible {
  public enum Code: String, Sendable {
    /// The verifier would give up before the program's end.
    case beyondVerifier
    /// The tensors or weights do not fit a map.
    case beyondMemory
  }

  public let code: Code
  public let message: String
  public let remedy: String

  public init(_ code: Code, _ message: String, remedy: String) {
    self.code = code
    self.message = message
    self.remedy = remedy
  }

  public var description: String { "\(message) [\(code.rawValue)]\n  help: \(remedy)" }
}
