import MedullaBase

/// Why bytes are not a frame, or a frame not what was asked for.
package enum FrameErrorCode: String, Sendable {
  /// A length, a count or a shape is over its limit.
  case tooLarge
  /// The header is not a JSON object of the form that the protocol has.
  case malformedHeader
  /// The payload's length is not the sum of its tensors.
  case payloadMismatch
  /// A field or a tensor is missing, or is of another type or shape than asked for.
  case wrongContent
  /// The stream ended inside a frame.
  case truncated
  case io
}

package typealias FrameError = CodedError<FrameErrorCode>

extension FrameError {
  /// For the author of the other side.
  init(_ code: FrameErrorCode, _ message: String) {
    self.init(code, message, remedy: "docs/reference/adapter-protocol.md describes the frames.")
  }
}
