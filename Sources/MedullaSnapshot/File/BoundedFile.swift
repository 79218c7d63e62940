import Foundation
import MedullaModel

/// Whole files, bounded in size, with this module's errors.
enum BoundedFile {
  static let limit = 1 << 30

  static func read(_ path: String) throws(SnapshotError) -> Data {
    do {
      return try BoundedInput.read(path, limit: limit)
    } catch {
      throw SnapshotError(.io, "\(path) \(error.reason)", remedy: "Check the path and its permissions.")
    }
  }
}
