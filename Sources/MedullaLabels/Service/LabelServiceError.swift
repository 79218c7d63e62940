import MedullaBase

/// Why a label service gave no labels.
package enum LabelServiceErrorCode: String, Sendable, Codable {
  case badSetting
  /// No connection, or it broke off.
  case unreachable
  case timedOut
  /// It answered with a status other than 200.
  case refused
  /// Its answer is longer than the limit.
  case tooLarge
  /// Its answer is not what the contract says.
  case malformed
}

package typealias LabelServiceError = CodedError<LabelServiceErrorCode>

extension LabelServiceError {
  static func malformed(_ cause: String) -> LabelServiceError {
    LabelServiceError(
      .malformed, "the label service's answer cannot be used", cause: cause,
      remedy: "docs/reference/label-service.md has the contract.")
  }
}
