import MedullaBase

/// Why a network could not become a snapshot, or a snapshot could not be read or run.
package enum SnapshotErrorCode: String, Sendable, CaseIterable {
  /// No packing of a sum is proven to stay inside its lanes.
  case notProven
  /// A layer cannot be expressed in the integer network.
  case unsupportedLayer
  /// The network does not fit the program shape that it was asked to match.
  case shapeMismatch
  /// Samples, ranges or options make no sense for this network.
  case badCalibration
  /// A snapshot has no such part, or it cannot be cut there.
  case badSlice
  /// No scheme meets the error that was asked for.
  case errorTooLarge
  case malformedFile
  case unsupportedVersion
  case digestMismatch
  case io
}

package typealias SnapshotError = CodedError<SnapshotErrorCode>
