import MedullaBase
import MedullaCodegen

/// Why a runtime gave no outputs.
package enum RuntimeErrorCode: String, Sendable {
  /// This machine lacks what the runtime needs.
  case unavailable
  /// The network lacks what the runtime needs, such as its float form, or is too large for it.
  case unsuitable
  /// A row has another number of features than the network.
  case wrongSize
  /// A feature, or what a float network makes of it, is not a finite number.
  case notFinite
  /// No runtime has that name.
  case unknown
  /// Two runtimes that promise the same bits gave others.
  case disagreement
}

package typealias RuntimeError = CodedError<RuntimeErrorCode>

extension RuntimeError {
  /// Runs what may find that no program can be generated for a network: the runtime cannot run it, others
  /// may.
  ///
  /// - Throws: `unsuitable` for a `CodegenError`, and everything else as it is.
  package static func whereUnsuitable<Value>(_ body: () throws -> Value) throws -> Value {
    do {
      return try body()
    } catch let error as CodegenError {
      throw RuntimeError(.unsuitable, error.message, cause: error.cause, remedy: error.remedy)
    }
  }
}
