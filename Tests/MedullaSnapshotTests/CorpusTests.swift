import Crypto
import Foundation
import InferenceCases
import MedullaModel
import Testing

@testable import MedullaSnapshot

/// The fuzz target's inputs, replayed: snapshot files without their digest.
@Suite("Snapshot corpus")
struct CorpusTests {
  static let folder = URL(fileURLWithPath: #filePath)
    .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
    .appendingPathComponent("fuzz/corpus/snapshot")

  static var files: [String] {
    ((try? FileManager.default.contentsOfDirectory(atPath: folder.path)) ?? []).sorted()
  }

  @Test("the corpus is there")
  func present() {
    #expect(Self.files.count >= 4)
  }

  @Test("no input of the corpus breaks the reader", arguments: files)
  func replay(file: String) throws {
    let body = [UInt8](try Data(contentsOf: Self.folder.appendingPathComponent(file)))
    #expect(SnapshotProperties.violation(body) == nil)
    #expect(SnapshotProperties.violation(body + SHA256.hash(data: body)) == nil)
  }

  /// MEDULLA_UPDATE_CORPUS writes small snapshots of every kind of step into the corpus.
  @Test(
    "seeds are written on demand",
    .enabled(if: ProcessInfo.processInfo.environment["MEDULLA_UPDATE_CORPUS"] != nil, "not asked to"))
  func seeds() throws {
    try FileManager.default.createDirectory(at: Self.folder, withIntermediateDirectories: true)
    for name in ["fan-in 1 W8A16", "clip inside W8A8", "softmax W16A16", "image classifier W8A16"] {
      let example = try #require(try InferenceCase.all(seed: 1).first { $0.name == name })
      let body = try SnapshotFile(example.snapshot).bytes.dropLast(32)
      let file = name.lowercased().replacingOccurrences(of: " ", with: "-")
      try Data(body).write(to: Self.folder.appendingPathComponent(file))
    }
  }
}
