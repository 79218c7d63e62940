/// Why a process of somebody else's, such as an adapter or a network function, could not do what was asked;
/// the message says what it is (`ProcessRole`).
package struct AdapterFailure: Error, Equatable, Sendable, CustomStringConvertible {
  package enum Code: String, Sendable {
    /// The program could not be started.
    case cannotStart
    /// It was not started, because it could not be kept from what is not its own.
    case notIsolated
    /// It runs, but has not said hello yet; ask again.
    case starting
    /// It failed before and is started again after a while; ask again.
    case backingOff
    /// It failed too often in a row.
    case givenUp
    /// It answered with an error of its own.
    case refused
    case timedOut
    /// It ended, or closed its channel.
    case ended
    /// Its bytes are no answer.
    case malformedAnswer
    case wrongShape
    case notFinite
    /// What the slow path wanted to send does not fit the network or a frame.
    case badRequest
    case closed
  }

  package let code: Code
  package let message: String
  /// The process's own words: its traceback, or the end of what it wrote to its standard error.
  package let details: String
  package let remedy: String

  package init(_ code: Code, _ message: String, details: String = "", remedy: String = "") {
    self.code = code
    self.message = message
    self.details = details
    self.remedy = remedy
  }

  package var description: String {
    var text = "\(message) [\(code.rawValue.snakeCased)]"
    if !details.isEmpty {
      text += "\n" + details.split(separator: "\n").map { "  | \($0)" }.joined(separator: "\n")
    }
    if !remedy.isEmpty { text += "\n  help: \(remedy)" }
    return text
  }
}
