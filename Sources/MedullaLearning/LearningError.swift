import MedullaBase

/// Why a training run could not start, go on or be saved.
package enum LearningErrorCode: String, Sendable {
  case invalidScenario
  case invalidOption
  case malformedCheckpoint
  case malformedBatch
  case shapeMismatch
  case diverged
  case io
}

package typealias LearningError = CodedError<LearningErrorCode>
