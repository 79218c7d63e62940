import Foundation
import InferenceCases
import MedullaBase
import MedullaModel
import SnapshotFileProperties
import Testing

@testable import MedullaSnapshot

/// The fuzz target's inputs, replayed: snapshot files of version 2, and of version 1 without their digest.
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
    #expect(Self.files.filter { !$0.hasPrefix("v2-") }.count >= 4)
    #expect(Self.files.filter { $0.hasPrefix("v2-") }.count >= 5)
  }

  @Test("no input of the corpus breaks the reader", arguments: files)
  func replay(file: String) throws {
    let body = [UInt8](try Data(contentsOf: Self.folder.appendingPathComponent(file)))
    #expect(SnapshotProperties.violation(body) == nil)
    #expect(SnapshotProperties.violation(SnapshotProperties.sealed(body)) == nil)
  }

  /// MEDULLA_MUTATIONS sets how many.
  @Test("seeded mutations of the corpus, numbers of the header included, never break the reader")
  func mutations() throws {
    let count = ProcessInfo.processInfo.environment["MEDULLA_MUTATIONS"].flatMap { Int($0) } ?? 600
    let seed: UInt64 = 20_261_121
    var generator = SeededGenerator(seed: seed)
    let bodies = try Self.files.map { [UInt8](try Data(contentsOf: Self.folder.appendingPathComponent($0))) }
    let digits = Array("0123456789-".utf8)
    for round in 0..<count {
      guard var body = bodies.randomElement(using: &generator) else { return }
      for _ in 0...Int.random(in: 0...2, using: &generator) {
        let places = body.indices.filter { digits.contains(body[$0]) }
        guard round % 4 != 0, let place = places.randomElement(using: &generator) else {
          body[Int.random(in: 0..<body.count, using: &generator)] = UInt8.random(
            in: 0...255, using: &generator)
          continue
        }
        body[place] = digits.randomElement(using: &generator) ?? 0x30
      }
      let violation = SnapshotProperties.violation(SnapshotProperties.sealed(body))
      #expect(violation == nil, "seed \(seed), round \(round)")
    }
  }

  private static func write(_ snapshot: Snapshot, _ name: String) throws {
    let file = "v2-" + name.lowercased().replacingOccurrences(of: " ", with: "-")
    try Data(SnapshotFile(snapshot).bytes).write(to: folder.appendingPathComponent(file))
  }

  /// MEDULLA_UPDATE_CORPUS writes small snapshots of every kind of step into the corpus.
  @Test(
    "seeds are written on demand",
    .enabled(if: ProcessInfo.processInfo.environment["MEDULLA_UPDATE_CORPUS"] != nil, "not asked to"))
  func seeds() throws {
    try FileManager.default.createDirectory(at: Self.folder, withIntermediateDirectories: true)
    for name in ["fan-in 1 W8A16", "clip inside W8A8", "softmax W16A16", "image classifier W8A16"] {
      let example = try #require(try InferenceCase.all(seed: 1).first { $0.name == name })
      try Self.write(example.snapshot, name)
    }
    let network = try #require(try InferenceCase.all(seed: 1).first { $0.name == "image classifier W8A16" })
    try Self.write(network.snapshot.slice(steps: 1...2, channels: 1..<3), "slice of image classifier W8A16")
  }
}
