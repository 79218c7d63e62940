import Foundation
import FrameProperties
import MedullaBase
import MedullaLearning
import Testing

@Suite("The adapter protocol survives any bytes")
struct ProcessCorpusTests {
  static let mutationsOfEach = 200

  @Test("the corpus and seeded mutations of it")
  func corpus() throws {
    let directory = ProcessExampleTests.root.appendingPathComponent("fuzz/corpus/adapterframes")
    let names = try FileManager.default.contentsOfDirectory(atPath: directory.path).sorted()
    #expect(names.count >= 14 && names.contains("label"))
    var generator = SeededGenerator(seed: 21)
    for name in names {
      let bytes = try Data(contentsOf: directory.appendingPathComponent(name))
      #expect(ProcessFrameProperties.check(bytes) == nil, "\(name)")
      for round in 0..<Self.mutationsOfEach {
        let mutated = mutate(bytes, &generator)
        #expect(ProcessFrameProperties.check(mutated) == nil, "\(name), mutation \(round) of seed 21")
      }
    }
  }

  private func mutate(_ bytes: Data, _ generator: inout SeededGenerator) -> Data {
    var result = [UInt8](bytes)
    for _ in 0..<Int.random(in: 1...4, using: &generator) where !result.isEmpty {
      let at = Int.random(in: 0..<result.count, using: &generator)
      let end = min(result.count, at + Int.random(in: 1...8, using: &generator))
      switch Int.random(in: 0..<5, using: &generator) {
      case 0: result[at] = UInt8.random(in: 0...255, using: &generator)
      case 1: result[at] ^= 1 << UInt8.random(in: 0...7, using: &generator)
      case 2: result.removeSubrange(at..<end)
      case 3: result.insert(contentsOf: result[at..<end], at: at)
      default: result.removeSubrange(at...)
      }
    }
    return Data(result)
  }
}
