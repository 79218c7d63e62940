import MedullaBase

/// Why a testbed operation did not happen, and what would help.
package enum TestbedErrorCode: String, Codable, Sendable {
  case badParameter = "bad-parameter"
  case missingProgram = "missing-program"
  case missingPrivilege = "missing-privilege"
  case missingCongestionControl = "missing-congestion-control"
  case processFailed = "process-failed"
  case timedOut = "timed-out"
  case interrupted
  case linkFailed = "link-failed"
  case unreadableReport = "unreadable-report"
  case fileFailed = "file-failed"
}

package typealias TestbedError = CodedError<TestbedErrorCode>
