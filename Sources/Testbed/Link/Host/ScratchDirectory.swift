import Foundation

/// A directory for temporary files that goes with its owner.
package final class ScratchDirectory {
  private let url: URL

  /// - Parameter name: the owner's; the process's number follows.
  package init(_ name: String) throws {
    url = FileManager.default.temporaryDirectory.appendingPathComponent("medulla-\(name)-\(getpid())")
    try FileManager.default.createDirectory(at: url, withIntermediateDirectories: true)
  }

  deinit { try? FileManager.default.removeItem(at: url) }

  /// A file in it.
  package func path(_ file: String) -> String { url.appendingPathComponent(file).path }
}
