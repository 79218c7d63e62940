import MedullaBase

/// Why a list, or an agent of lists, cannot be used.
package enum ListErrorCode: String, Sendable, Codable {
  /// The file cannot be read.
  case unreadable
  /// It is larger than what is read.
  case tooLarge
  /// More of its lines are no entries than are.
  case malformed
  /// Nothing here knows what its entries are about.
  case noSource
  /// A setting that cannot be.
  case badSetting
}

package typealias ListError = CodedError<ListErrorCode>
