import Foundation
import MedullaBase
import PayloadProperties
import Testing

@Suite("Payload corpus")
struct CorpusTests {
  private static let folder = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
    .deletingLastPathComponent().deletingLastPathComponent().appendingPathComponent("fuzz/corpus/payload")

  @Test("no scenario of the corpus, nor seeded mutations of it, delivers what was not sent or loses a frame")
  func replay() throws {
    let files = try FileManager.default.contentsOfDirectory(atPath: Self.folder.path).sorted()
    #expect(files.count >= 6)
    for file in files {
      let bytes = [UInt8](try Data(contentsOf: Self.folder.appendingPathComponent(file)))
      #expect(PayloadProperties.violation(bytes) == nil, "\(file)")
      for seed in 1...40 as ClosedRange<UInt64> {
        var generator = SeededGenerator(seed: seed)
        var mutant = bytes
        for _ in 0..<Int.random(in: 1...6, using: &generator) {
          mutant[Int.random(in: mutant.indices, using: &generator)] = UInt8.random(
            in: 0...255, using: &generator)
        }
        if let violation = PayloadProperties.violation(mutant) {
          Issue.record("\(file), seed \(seed): \(violation)")
        }
      }
    }
  }
}
