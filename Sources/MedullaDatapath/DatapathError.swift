import MedullaBase

/// Why a datapath function could not be attached, changed or asked.
package enum DatapathErrorCode: String, Sendable {
  case badName
  case badConfiguration
  case badBundle
  /// A bundle lacks the program that is needed.
  case missingProgram
  case wrongShape
  case alreadyAttached
  case notAttached
  case noFreeSlot
  case noFreeGeneration
  case nothingToRollBackTo
  case nothingStaged
  case changedMeanwhile
  case busy
  case badFunction
  case foreignVersion
  case noAnswer
}

package typealias DatapathError = CodedError<DatapathErrorCode>
