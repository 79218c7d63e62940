import Foundation

/// Reading and writing of whole model files, bounded in size.
enum ModelFile {
  static func read(_ path: String) throws(ModelError) -> Data {
    do {
      let attributes = try FileManager.default.attributesOfItem(atPath: path)
      if let size = attributes[.size] as? Int, size > ModelLimits.fileBytes {
        throw ModelError(.io, "\(path) has \(size) bytes; at most \(ModelLimits.fileBytes) are read")
      }
      return try Data(contentsOf: URL(fileURLWithPath: path))
    } catch let error as ModelError {
      throw error
    } catch {
      throw ModelError(
        .io, "\(path) cannot be read: \(error.localizedDescription)",
        remedy: "Check the path and its permissions.")
    }
  }

  static func write(_ data: Data, to path: String) throws(ModelError) {
    do {
      try data.write(to: URL(fileURLWithPath: path), options: .atomic)
    } catch {
      throw ModelError(
        .io, "\(path) cannot be written: \(error.localizedDescription)",
        remedy: "Check that the directory exists and is writable.")
    }
  }
}
