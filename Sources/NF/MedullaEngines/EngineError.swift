import MedullaBase

package enum EngineErrorCode: String, Sendable {
  /// The engine's library is not on this machine, or too old.
  case unavailable
  /// The model cannot be read, or has what is not supported.
  case badModel
  case badOption
  case wrongSize
  /// The engine refused or failed.
  case failed
}

package typealias EngineError = CodedError<EngineErrorCode>
