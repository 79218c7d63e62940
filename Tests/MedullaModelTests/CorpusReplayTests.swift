import Foundation
import InferenceCases
import MedullaBase
import ModelProperties
import Testing

@Suite("Parsers survive any bytes")
struct CorpusReplayTests {
  static let mutationsOfEach = 60

  @Test("ONNX: the corpus and seeded mutations of it")
  func onnx() throws {
    try replay("onnx", seed: 11, ReaderProperties.onnx)
  }

  @Test("safetensors: the corpus and seeded mutations of it")
  func safetensors() throws {
    try replay("safetensors", seed: 12, ReaderProperties.safetensors)
  }

  @Test("samples as .npy: the corpus and seeded mutations of it")
  func npy() throws {
    try replay("npy", seed: 13, SampleProperties.violation)
  }

  @Test("samples as .csv: the corpus and seeded mutations of it")
  func csv() throws {
    try replay("csv", seed: 14, SampleProperties.violation)
  }

  private func replay(_ folder: String, seed: UInt64, _ property: (Data) -> String?) throws {
    let directory = ProjectFiles.fuzzCorpus.appendingPathComponent(folder)
    let names = try FileManager.default.contentsOfDirectory(atPath: directory.path).sorted()
    #expect(names.count >= 10)
    var random = SeededGenerator(seed: seed)
    for name in names {
      let bytes = try Data(contentsOf: directory.appendingPathComponent(name))
      #expect(property(bytes) == nil, "\(folder)/\(name)")
      for round in 0..<Self.mutationsOfEach {
        let mutated = mutate(bytes, &random)
        #expect(property(mutated) == nil, "\(folder)/\(name), mutation \(round) of seed \(seed)")
      }
    }
  }

  /// One to four changes: a byte replaced, a run removed, doubled or filled, or the end cut off.
  private func mutate(_ bytes: Data, _ random: inout SeededGenerator) -> Data {
    var result = [UInt8](bytes)
    for _ in 0..<random.integer(1...4) where !result.isEmpty {
      let at = random.integer(0...result.count - 1)
      let end = min(result.count, at + random.integer(1...8))
      switch random.integer(0...5) {
      case 0: result[at] = UInt8(truncatingIfNeeded: random.integer(0...255))
      case 1: result[at] ^= 1 << UInt8(random.integer(0...7))
      case 2: result.removeSubrange(at..<end)
      case 3: result.insert(contentsOf: result[at..<end], at: at)
      case 4: result.replaceSubrange(at..<end, with: repeatElement(0xFF, count: end - at))
      default: result.removeSubrange(at...)
      }
    }
    return Data(result)
  }
}
