import Foundation

/// Whole files, bounded in size, with this module's errors.
enum BoundedFile {
  static let limit = 1 << 30

  static func read(_ path: String) throws(SnapshotError) -> Data {
    do {
      let attributes = try FileManager.default.attributesOfItem(atPath: path)
      if let size = attributes[.size] as? Int, size > limit {
        throw SnapshotError(.io, "\(path) has \(size) bytes; at most \(limit) are read")
      }
      return try Data(contentsOf: URL(fileURLWithPath: path))
    } catch let error as SnapshotError {
      throw error
    } catch {
      throw SnapshotError(
        .io, "\(path) cannot be read: \(error.localizedDescription)",
        remedy: "Check the path and its permissions.")
    }
  }
}
