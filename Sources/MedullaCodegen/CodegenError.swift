import MedullaBase

/// Why no program can be generated for a shape.
package enum CodegenErrorCode: String, Sendable {
  /// The verifier would give up before the program's end.
  case beyondVerifier
  /// The tensors or weights do not fit a map.
  case beyondMemory
  /// The options exclude each other.
  case unsupportedOptions
}

package typealias CodegenError = CodedError<CodegenErrorCode>
