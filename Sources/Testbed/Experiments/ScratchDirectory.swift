import Foundation

/// A directory for a study's files that goes with its owner.
final class ScratchDirectory {
  private let url: URL

  /// - Parameter name: the study's; the process's number follows.
  init(_ name: String) throws {
    url = FileManager.default.temporaryDirectory.appendingPathComponent("medulla-\(name)-\(getpid())")
    try FileManager.default.createDirectory(at: url, withIntermediateDirectories: true)
  }

  deinit { try? FileManager.default.removeItem(at: url) }

  /// A file in it.
  func path(_ file: String) -> String { url.appendingPathComponent(file).path }
}
