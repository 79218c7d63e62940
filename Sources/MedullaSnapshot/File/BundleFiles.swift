import Foundation
import MedullaBase

/// The files of a bundle beside its snapshot and its manifest, which names each with its digest.
enum BundleFiles {
  /// Paths inside a bundle, sorted; directories are not told.
  static func paths(in folder: String) throws(SnapshotError) -> [String] {
    do {
      return try FileManager.default.subpathsOfDirectory(atPath: folder).filter { path in
        let facts = try FileManager.default.attributesOfItem(atPath: folder + "/" + path)
        return facts[.type] as? FileAttributeType != .typeDirectory
      }.sorted()
    } catch {
      throw SnapshotError(.io, "\(folder) cannot be read", cause: error.localizedDescription)
    }
  }

  /// SHA-256 in hexadecimal of every file that is neither the snapshot nor the manifest, by its path.
  static func digests(in folder: String) throws(SnapshotError) -> [String: String] {
    var digests: [String: String] = [:]
    for path in try paths(in: folder) where !isNamed(path) {
      digests[path] = try digest(of: folder + "/" + path)
    }
    return digests
  }

  /// - Throws: `io` when a file is missing, `digestMismatch` for one that is not what was compiled.
  static func check(_ digests: [String: String], in folder: String) throws(SnapshotError) {
    for (path, digest) in digests.sorted(by: { $0.key < $1.key }) {
      guard !path.hasPrefix("/"), !path.split(separator: "/").contains("..") else {
        throw SnapshotError(.malformedFile, "the manifest of \(folder) names \(path), which lies outside")
      }
      let found = try Self.digest(of: folder + "/" + path)
      guard found == digest else {
        throw SnapshotError(
          .digestMismatch, "\(path) of \(folder) is not what was compiled",
          cause: "its digest is \(found.prefix(12)), the manifest's \(digest.prefix(12))",
          remedy: "Compile the bundle again.")
      }
    }
  }

  /// Files that belong to no bundle, or to none with such a manifest.
  static func foreign(in folder: String, to manifest: BundleManifest) throws(SnapshotError) -> [String] {
    try paths(in: folder).filter { !isNamed($0) && manifest.files?[$0] == nil }
  }

  private static func isNamed(_ path: String) -> Bool {
    path == SnapshotBundle.snapshotName || path == SnapshotBundle.manifestName
  }

  private static func digest(of path: String) throws(SnapshotError) -> String {
    SHA256.hash(try BoundedFile.read(path)).hexadecimal
  }
}
