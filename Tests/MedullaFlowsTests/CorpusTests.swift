import FlowProperties
import Foundation
import MedullaBase
import Testing

@Suite("Flow corpus")
struct CorpusTests {
  private static let folder = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
    .deletingLastPathComponent().deletingLastPathComponent().appendingPathComponent("fuzz/corpus/flows")

  @Test("no frames of the corpus, nor seeded mutations of them, lose a packet or leave a feature's range")
  func replay() throws {
    let files = try FileManager.default.contentsOfDirectory(atPath: Self.folder.path).sorted()
    #expect(files.count >= 6)
    for file in files {
      let bytes = [UInt8](try Data(contentsOf: Self.folder.appendingPathComponent(file)))
      #expect(FlowProperties.violation(bytes) == nil, "\(file)")
      for seed in 1...200 as ClosedRange<UInt64> {
        var generator = SeededGenerator(seed: seed)
        var mutant = bytes
        for _ in 0..<Int.random(in: 1...6, using: &generator) {
          mutant[Int.random(in: mutant.indices, using: &generator)] = UInt8.random(
            in: 0...255, using: &generator)
        }
        if let violation = FlowProperties.violation(mutant) {
          Issue.record("\(file), seed \(seed): \(violation)")
        }
      }
    }
  }
}
