/// What every error of ours says, whatever its codes.
package protocol DescribedError: Error, Sendable, CustomStringConvertible {
  /// The code as one word for programs, such as `not_attached`.
  var codeName: String { get }
  var message: String { get }
  var cause: String { get }
  var remedy: String { get }
}

/// The shape of every error: what happened, why, and what to do about it.
///
/// A module names its own by a list of codes and an alias,
/// `typealias ModelError = CodedError<ModelErrorCode>`.
package struct CodedError<Kind>: DescribedError, Equatable
where Kind: RawRepresentable<String> & Equatable & Sendable {
  package typealias Code = Kind

  package let code: Kind
  /// What happened, with the object by name.
  package let message: String
  /// What the kernel, a library or a tool said; empty when nothing did.
  package let cause: String
  /// What the user can do about it; empty when there is nothing to say.
  package let remedy: String
  /// All that was said, such as the verifier's log; empty when there is no more than `cause`.
  package let log: String

  package init(
    _ code: Kind, _ message: String, cause: String = "", remedy: String = "", log: String = ""
  ) {
    self.code = code
    self.message = message
    self.cause = cause
    self.remedy = remedy
    self.log = log
  }

  package var codeName: String { code.rawValue.snakeCased }

  package var description: String {
    let text = (cause.isEmpty ? message : "\(message): \(cause)") + " [\(codeName)]"
    return remedy.isEmpty ? text : "\(text)\n  help: \(remedy)"
  }
}

/// On the wire: `code`, `message` and `remedy`, and what else there is.
extension CodedError: Codable where Kind: Codable {
  private enum CodingKeys: String, CodingKey { case code, message, cause, remedy, log }

  package init(from decoder: any Decoder) throws {
    let container = try decoder.container(keyedBy: CodingKeys.self)
    self.init(
      try container.decode(Kind.self, forKey: .code), try container.decode(String.self, forKey: .message),
      cause: try container.decodeIfPresent(String.self, forKey: .cause) ?? "",
      remedy: try container.decode(String.self, forKey: .remedy),
      log: try container.decodeIfPresent(String.self, forKey: .log) ?? "")
  }

  package func encode(to encoder: any Encoder) throws {
    var container = encoder.container(keyedBy: CodingKeys.self)
    try container.encode(code, forKey: .code)
    try container.encode(message, forKey: .message)
    if !cause.isEmpty { try container.encode(cause, forKey: .cause) }
    try container.encode(remedy, forKey: .remedy)
    if !log.isEmpty { try container.encode(log, forKey: .log) }
  }
}

extension String {
  /// `notAttached` as `not_attached`: the form in which all codes are shown and sent.
  package var snakeCased: String {
    reduce(into: "") { word, letter in
      if letter.isUppercase { word += "_" }
      word += letter.lowercased()
    }
  }
}
