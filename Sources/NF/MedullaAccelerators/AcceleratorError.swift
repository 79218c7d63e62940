import MedullaBase

/// Why an accelerator did not do what it was asked.
package enum AcceleratorErrorCode: String, Sendable, Codable {
  /// This machine, its driver or its device lacks what is needed.
  case unavailable
  case outOfMemory
  /// A piece leaves the packet memory or the tensor, or a size cannot be.
  case outOfBounds
  /// Memory or a tensor that was never made here, or is not there any more.
  case unknownHandle
  /// The model, the engine or the network does not go with this accelerator.
  case unsuitable
  /// More is under way than a limit allows.
  case busy
  /// The driver or the device refused or failed.
  case failed
  /// The device is gone for this process; nothing on it can be used any more.
  case deviceLost
}

package typealias AcceleratorError = CodedError<AcceleratorErrorCode>
