/// Why the daemon, its configuration, its history or its socket refused.
public struct ControlError: Error, Equatable, Sendable, Codable, CustomStringConvertible {
  public enum Code: String, Sendable, Codable {
    case badConfiguration = "bad_configuration"
    /// A message on the socket is not of the protocol.
    case badMessage = "bad_message"
    case unknownMethod = "unknown_method"
    case unknownFunction = "unknown_function"
    case badParameter = "bad_parameter"
    /// The state of the function does not allow what was asked.
    case refused
    case tooManyClients = "too_many_clients"
    case tooLarge = "too_large"
    case notRunning = "not_running"
    case alreadyRunning = "already_running"
    case history
    case io
    case privileges
    case adapter
    /// The kernel or the datapath refused.
    case fastPath = "fast_path"
  }

  public let code: Code
  /// What happened, with the object by name.
  public let message: String
  /// What the user can do about it; empty when there is nothing to say.
  public let remedy: String

  public init(_ code: Code, _ message: String, remedy: String = "") {
    self.code = code
    self.message = message
    self.remedy = remedy
  }

  public var description: String {
    let text = "\(message) [\(code.rawValue)]"
    return remedy.isEmpty ? text : "\(text)\n  help: \(remedy)"
  }
}
