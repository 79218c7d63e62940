import Foundation
import MedullaCodegen
import MedullaSnapshot
import TestbedLink

/// Compiles programs of the ns-3 scenarios, each with one snapshot linked in.
package struct ScenarioBuild: Sendable {
  /// The directory of the scenarios' C++.
  package let sources: String
  /// Where what depends on no snapshot goes.
  package let common: URL

  package init(sources: String, common: URL) {
    (self.sources, self.common) = (sources, common)
  }

  /// Compiles one program; what is up to date in `directory` is kept.
  ///
  /// - Returns: its path.
  package func program(_ name: String, _ snapshot: SnapshotFile, in directory: URL) throws -> String {
    try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: true)
    for (name, text) in SnapshotSource(snapshot).files {
      let file = directory.appendingPathComponent(name)
      // An unchanged file keeps its time, so that make compiles nothing again.
      if (try? String(contentsOf: file, encoding: .utf8)) != text {
        try text.write(to: file, atomically: true, encoding: .utf8)
      }
    }
    try ChildProcess.run(
      [
        "nice", "-n", "5", "make", "-C", sources, "COMMON=\(common.path)", "BUILD=\(directory.path)",
        "SNAPSHOT=\(directory.path)", name,
      ], within: .seconds(900))
    return directory.appendingPathComponent(name).path
  }
}
