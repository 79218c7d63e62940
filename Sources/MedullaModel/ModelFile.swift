import Foundation

/// Reading and writing of whole model files, bounded in size.
package enum ModelFile {
  package static func read(_ path: String) throws(ModelError) -> Data {
    do {
      return try BoundedInput.read(path, limit: ModelLimits.fileBytes)
    } catch {
      throw ModelError(.io, "\(path) \(error.reason)", remedy: "Check the path and its permissions.")
    }
  }

  /// Makes a directory with those around it; one that is there is kept.
  package static func createDirectory(_ path: String) throws(ModelError) {
    do {
      try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    } catch {
      throw ModelError(
        .io, "\(path) cannot be made: \(error.localizedDescription)",
        remedy: "Check that the directory around it is writable.")
    }
  }

  package static func write(_ data: Data, to path: String) throws(ModelError) {
    do {
      try data.write(to: URL(fileURLWithPath: path), options: .atomic)
    } catch {
      throw ModelError(
        .io, "\(path) cannot be written: \(error.localizedDescription)",
        remedy: "Check that the directory exists and is writable.")
    }
  }
}
