import MedullaBase

/// Why a classifier could not be trained anew, or its accuracy not be followed.
package enum RetrainingErrorCode: String, Sendable {
  /// Rows, classes or settings do not fit the network.
  case badRows
  /// A setting is outside of what it may be.
  case badSetting
  /// Weights left the finite numbers.
  case diverged
  /// No integers of the network are proven, whatever bound its weights were given.
  case notProven
}

package typealias RetrainingError = CodedError<RetrainingErrorCode>
