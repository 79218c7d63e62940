import MedullaBase

/// Why a capture could not be read.
package enum CaptureErrorCode: String, Sendable {
  /// The file cannot be opened, or is no capture.
  case unreadable
  /// It is a capture of links that no flow can be read from.
  case unknownLink
  /// It ends, or is broken, in the middle.
  case truncated
  case tooManyFlows
  /// A network is told something that is no feature of flows.
  case unknownFeature
  /// What was measured cannot be written where it should go.
  case unwritable
}

package typealias CaptureError = CodedError<CaptureErrorCode>
