import MedullaBase

/// Why a network could not be read, checked or written.
package enum ModelErrorCode: String, Sendable {
  case malformedFile
  case unsupportedOperator
  case unsupportedAttribute
  case unsupportedOpset
  case unsupportedShape
  case unsupportedType
  case missingData
  case shapeMismatch
  case io
}

package typealias ModelError = CodedError<ModelErrorCode>
