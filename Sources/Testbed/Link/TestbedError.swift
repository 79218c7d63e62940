import MedullaBase

/// Why a testbed operation did not happen, and what would help.
package enum TestbedErrorCode: String, Codable, Sendable {
  case badParameter
  case missingProgram
  case missingPrivilege
  case missingCongestionControl
  case processFailed
  case timedOut
  case interrupted
  case linkFailed
  case unreadableReport
  case fileFailed
}

package typealias TestbedError = CodedError<TestbedErrorCode>
