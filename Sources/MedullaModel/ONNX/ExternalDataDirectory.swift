import Foundation

/// The directory of a model, from which external data may be read and from nowhere else.
struct ExternalDataDirectory {
  private let directory: URL

  init(_ path: String) {
    directory = URL(fileURLWithPath: path, isDirectory: true).resolvingSymlinksInPath()
  }

  /// - Throws: `malformedFile` when the location leaves the directory, `missingData` when the file is shorter
  ///   than the range, `io` when it cannot be read.
  func read(_ location: String, _ offset: Int, _ length: Int?) throws(ModelError) -> Data {
    let url = try resolve(location)
    do {
      // Opening a pipe would wait for its writer.
      let kind = try FileManager.default.attributesOfItem(atPath: url.path)[.type] as? FileAttributeType
      guard kind == .typeRegular else {
        throw ModelError(.io, "external data \(location) is no regular file")
      }
      let handle = try FileHandle(forReadingFrom: url)
      defer { try? handle.close() }
      let end = Int(try handle.seekToEnd())
      let wanted = length ?? max(0, end - offset)
      let (last, overflow) = offset.addingReportingOverflow(wanted)
      guard offset >= 0, wanted >= 0, !overflow, last <= end, wanted <= ModelLimits.fileBytes else {
        throw ModelError(
          .missingData, "\(location) has \(end) bytes; the model asks for \(wanted) at \(offset)",
          remedy: "The data file is truncated or of another model; copy it again.")
      }
      try handle.seek(toOffset: UInt64(offset))
      return wanted == 0 ? Data() : try handle.read(upToCount: wanted) ?? Data()
    } catch let error as ModelError {
      throw error
    } catch {
      throw ModelError(
        .io, "external data \(location) cannot be read: \(error.localizedDescription)",
        remedy: "Keep the data file in the model's directory.")
    }
  }

  private func resolve(_ location: String) throws(ModelError) -> URL {
    let parts = location.split(separator: "/", omittingEmptySubsequences: false)
    let isPlain =
      !location.contains("\\") && !location.contains("\0")
      && parts.allSatisfy { !$0.isEmpty && $0 != ".." }
    let url = directory.appendingPathComponent(location).resolvingSymlinksInPath()
    // A symbolic link could lead out as well as `..` does.
    let base = directory.path.hasSuffix("/") ? directory.path : directory.path + "/"
    guard isPlain, url.path.hasPrefix(base) else {
      throw ModelError(
        .malformedFile, "external data \"\(location)\" is not a relative path inside the model's directory",
        remedy: "Save the model again with its data file beside it.")
    }
    return url
  }
}
