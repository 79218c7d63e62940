import MedullaBase

/// Why a function's slow path could not be set up, or a step of it failed.
package enum AdaptationErrorCode: String, Sendable, CaseIterable {
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

package typealias AdaptationError = CodedError<AdaptationErrorCode>
