import MedullaBase

/// Why requests, labels and spending cannot be kept.
package enum LabelBookErrorCode: String, Sendable, Codable {
  /// A budget or a limit that cannot be.
  case badSetting
  /// The journal cannot be opened or read.
  case cannotOpen
  /// Another process writes it.
  case inUse
  /// The journal is damaged before its end.
  case broken
  /// The disk does not take it.
  case cannotWrite
}

package typealias LabelBookError = CodedError<LabelBookErrorCode>
