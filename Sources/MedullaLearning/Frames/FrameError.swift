/// Why bytes are not a frame, or a frame not what was asked for.
public struct FrameError: Error, Equatable, Sendable, CustomStringConvertible {
  public enum Code: String, Sendable {
    /// A length, a count or a shape is over its limit.
    case tooLarge
    /// The header is not a JSON object of the form that the protocol has.
    case malformedHeader
    /// The payload's length is not the sum of its tensors.
    case payloadMismatch
    /// A field or a tensor is missing, or is of another type or shape than asked for.
    case wrongContent
    /// The stream ended inside a frame.
    case truncated
    case io
  }

  public let code: Code
  public let message: String
  /// What the author of the other side can do about it.
  public let remedy: String

  public init(
    _ code: Code, _ message: String, remedy: String = "docs/adapter-protocol.md describes the frames."
  ) {
    self.code = code
    self.message = message
    self.remedy = remedy
  }

  public var description: String { "\(message) [\(code.rawValue)]\n  help: \(remedy)" }
}
