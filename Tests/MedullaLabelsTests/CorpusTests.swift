import Foundation
import LabelProperties
import MedullaBase
import Testing

@Suite("Corpus of rules and lists")
struct CorpusTests {
  @Test("no rules of the corpus, nor seeded mutations of them, break what must hold")
  func rules() throws { try replay("rules", RuleProperties.violation) }

  @Test("no lists of the corpus, nor seeded mutations of them, break what must hold")
  func lists() throws { try replay("lists", ListProperties.violation) }

  private func replay(_ name: String, _ violation: ([UInt8]) -> String?) throws {
    let folder = LabelCase.root.appendingPathComponent("fuzz/corpus/\(name)")
    let files = try FileManager.default.contentsOfDirectory(atPath: folder.path).sorted()
    #expect(files.count >= 6)
    for file in files {
      let bytes = [UInt8](try Data(contentsOf: folder.appendingPathComponent(file)))
      #expect(violation(bytes) == nil, "\(file)")
      for seed in 1...100 as ClosedRange<UInt64> {
        var generator = SeededGenerator(seed: seed)
        if let violation = violation(mutated(bytes, &generator)) {
          Issue.record("\(file), seed \(seed): \(violation)")
        }
      }
    }
  }

  private func mutated(_ bytes: [UInt8], _ generator: inout SeededGenerator) -> [UInt8] {
    var mutant = bytes
    for _ in 0..<Int.random(in: 1...6, using: &generator) where !mutant.isEmpty {
      let place = Int.random(in: mutant.indices, using: &generator)
      switch Int.random(in: 0...2, using: &generator) {
      case 0: mutant[place] = UInt8.random(in: 0...255, using: &generator)
      case 1: mutant.remove(at: place)
      default: mutant.insert(bytes[Int.random(in: bytes.indices, using: &generator)], at: place)
      }
    }
    return mutant
  }
}
