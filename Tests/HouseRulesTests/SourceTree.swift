import Foundation

/// The project's files as the house rules see them.
struct SourceTree {
  struct File {
    /// Relative to the project's root.
    let path: String
    let text: String
    var lines: [Substring] { text.split(separator: "\n", omittingEmptySubsequences: false) }
    var isGenerated: Bool { path.hasSuffix(".pb.swift") }
  }

  static let root = URL(fileURLWithPath: #filePath)
    .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()

  /// Files below `folder` whose name ends in one of `endings`, without build folders and environments.
  static func files(in folder: String, endings: [String]) throws -> [File] {
    let base = root.appendingPathComponent(folder)
    guard let walk = FileManager.default.enumerator(atPath: base.path) else { return [] }
    var found: [File] = []
    for case let name as String in walk {
      let parts = name.split(separator: "/")
      if parts.contains(where: { $0.hasPrefix(".build") || $0.hasPrefix(".venv") }) { continue }
      guard endings.contains(where: name.hasSuffix) else { continue }
      let url = base.appendingPathComponent(name)
      guard let text = try? String(contentsOf: url, encoding: .utf8) else { continue }
      found.append(File(path: folder + "/" + name, text: text))
    }
    return found.sorted { $0.path < $1.path }
  }
}
