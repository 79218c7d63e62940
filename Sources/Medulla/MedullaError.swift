import MedullaBase

/// Why a call did not do what was asked.
public struct MedullaError: Error, Equatable, Sendable, CustomStringConvertible {
  /// A word for programs, such as `wrong_shape` or `permission`.
  public let code: String
  /// What happened, with the object by name.
  public let message: String
  /// What the kernel, a library or a tool said; empty when nothing did.
  public let cause: String
  /// What can be done about it; empty when there is nothing to say.
  public let remedy: String
  public let description: String

  init(_ error: any DescribedError) {
    code = error.codeName
    message = error.message
    cause = error.cause
    remedy = error.remedy
    description = error.description
  }

  init(code: String, message: String, remedy: String) {
    self.code = code
    self.message = message
    self.cause = ""
    self.remedy = remedy
    description = "\(message) [\(code)]\n  help: \(remedy)"
  }
}

/// Gives every error of the modules below the one public form.
func translated<Value>(_ body: () throws -> Value) throws(MedullaError) -> Value {
  do {
    return try body()
  } catch let error as MedullaError {
    throw error
  } catch let error as any DescribedError {
    throw MedullaError(error)
  } catch {
    throw MedullaError(
      code: "io", message: error.localizedDescription, remedy: "check the files and their permissions")
  }
}
