/// Why a function's slow path could not be set up, or a step of it failed.
public struct AdaptationError: Error, Equatable, Sendable, CustomStringConvertible {
  public enum Code: String, Sendable, CaseIterable {
    /// A setting is out of range or contradicts another.
    case badSettings
    /// A network has layers, inputs or outputs that the adapter cannot learn.
    case unsupportedNetwork
    /// Samples do not have the sizes of the network.
    case badBatch
    /// An adapter gave something that is no network, no output or no number.
    case badAnswer
    /// An adapter, or the process behind it, failed.
    case adapterFailed
    /// An adapter's process did not answer in time.
    case deadlineExceeded
    /// A peer broke the protocol's rules.
    case protocolViolation
    /// The fast path refused or failed.
    case fastPathFailed
  }

  public let code: Code
  /// What happened, with the function, adapter or setting by name.
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
