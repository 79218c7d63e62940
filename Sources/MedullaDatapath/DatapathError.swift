/// Why a datapath function could not be attached, changed or asked.
public struct DatapathError: Error, Equatable, Sendable, CustomStringConvertible {
  public enum Code: String, Sendable {
    case badName
    case badConfiguration
    case badBundle
    case wrongShape
    case alreadyAttached
    case notAttached
    case noFreeSlot
    case noFreeGeneration
    case nothingToRollBackTo
    case nothingStaged
    case changedMeanwhile
    case busy
    case badFunction
    case foreignVersion
    case noAnswer
  }

  public let code: Code
  /// What happened, with the instance or slot by name.
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
