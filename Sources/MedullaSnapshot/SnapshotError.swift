/// Why a network could not become a snapshot, or a snapshot could not be read or run.
public struct SnapshotError: Error, Equatable, Sendable, CustomStringConvertible {
  public enum Code: String, Sendable, CaseIterable {
    /// No packing of a sum is proven to stay inside its lanes.
    case notProven
    /// A layer cannot be expressed in the integer network.
    case unsupportedLayer
    /// The network does not fit the program shape that it was asked to match.
    case shapeMismatch
    /// Samples, ranges or options make no sense for this network.
    case badCalibration
    /// No scheme meets the error that was asked for.
    case errorTooLarge
    case malformedFile
    case unsupportedVersion
    case digestMismatch
    case io
  }

  public let code: Code
  /// What happened, with the layer and channel by name where there is one.
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
