import MedullaBase

/// Why nDPI cannot say what flows are.
package enum NDPIErrorCode: String, Sendable, Codable {
  /// The library is not there.
  case missing
  /// It is another version than those whose interface is known here.
  case unknownVersion
  /// It is the version, and lacks a function, or does not do as that version does.
  case unfit
  /// A setting that cannot be.
  case badSetting
}

package typealias NDPIError = CodedError<NDPIErrorCode>
