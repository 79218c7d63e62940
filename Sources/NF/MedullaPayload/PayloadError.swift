import MedullaBase

package enum PayloadErrorCode: String, Sendable {
  /// A limit, a stream or a size that cannot be.
  case badSetting
}

package typealias PayloadError = CodedError<PayloadErrorCode>
