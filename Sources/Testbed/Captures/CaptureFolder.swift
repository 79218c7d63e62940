import Foundation
import TestbedLink

/// A directory of captures with the results of nDPI's reader beside them: `NAME.pcap` or `NAME.pcapng`, and
/// `NAME.pcap.result.txt`.
package struct CaptureFolder: Sendable {
  package let path: String
  /// Of captures, sorted.
  package let names: [String]

  private static let suffix = ".result.txt"
  /// Of all captures of a folder.
  package static let captureLimit = 10_000

  /// - Parameter path: as given, or from the project's directory.
  /// - Throws: `fileFailed` when there is none, or nothing of it is labelled.
  package init(_ path: String) throws {
    self.path = try Self.found(path)
    let files = Set((try? FileManager.default.contentsOfDirectory(atPath: self.path)) ?? [])
    names = files.filter { name in
      (name.hasSuffix(".pcap") || name.hasSuffix(".pcapng")) && files.contains(name + Self.suffix)
    }.sorted()
    guard (1...Self.captureLimit).contains(names.count) else {
      throw TestbedError(
        .fileFailed, "\(self.path) has \(names.count) captures with results beside them.",
        remedy: "Give a directory with X.pcap and X.pcap.result.txt, as nDPI's tests have them.")
    }
  }

  package func capture(_ name: String) -> String { path + "/" + name }
  package func results(_ name: String) -> String { path + "/" + name + Self.suffix }

  private static func found(_ path: String) throws -> String {
    if FileManager.default.fileExists(atPath: path) { return path }
    let remedy = "name the captures' directory: --set captures=DIR"
    guard !path.hasPrefix("/") else {
      throw TestbedError(
        .fileFailed, "There is no directory \(path).", remedy: "N" + remedy.dropFirst() + ".")
    }
    let (folder, name) = ((path as NSString).deletingLastPathComponent, (path as NSString).lastPathComponent)
    return try ProjectFile.directory(folder, holding: name, remedy: remedy) + "/" + name
  }
}
