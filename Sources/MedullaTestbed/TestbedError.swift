/// Why a testbed operation did not happen, and what would help.
public struct TestbedError: Error, Equatable, CustomStringConvertible, Sendable {
  /// What kind of failure it was.
  public enum Code: String, Codable, Sendable {
    case badParameter = "bad-parameter"
    case missingProgram = "missing-program"
    case missingPrivilege = "missing-privilege"
    case missingCongestionControl = "missing-congestion-control"
    case processFailed = "process-failed"
    case timedOut = "timed-out"
    case interrupted
    case namespaceFailed = "namespace-failed"
    case linkFailed = "link-failed"
    case unreadableReport = "unreadable-report"
    case fileFailed = "file-failed"
  }

  public let code: Code
  /// What happened, and why as far as it is known.
  public let message: String
  /// What the reader can do about it.
  public let remedy: String

  public init(_ code: Code, _ message: String, remedy: String) {
    self.code = code
    self.message = message
    self.remedy = remedy
  }

  public var description: String {
    let sentence = message.hasSuffix(".") ? String(message.dropLast()) : message
    return "\(sentence) (\(code.rawValue)). \(remedy)"
  }
}
