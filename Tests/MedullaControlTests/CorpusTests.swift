import DaemonProperties
import Foundation
import Testing

@Suite("Control corpus")
struct CorpusTests {
  private static func files(_ name: String) -> [URL] {
    let folder = URL(fileURLWithPath: DaemonTestHost.root + "/fuzz/corpus/" + name)
    let names = (try? FileManager.default.contentsOfDirectory(atPath: folder.path)) ?? []
    return names.sorted().map { folder.appendingPathComponent($0) }
  }

  private static let readers: [(name: String, violation: @Sendable ([UInt8]) -> String?)] = [
    ("control", { ControlProperties.violation($0) }),
    ("configuration", { ConfigurationProperties.violation($0) }),
  ]

  @Test("no input of the corpus, nor a seeded mutation of one, breaks a reader", arguments: [0, 1])
  func replay(index: Int) throws {
    let reader = Self.readers[index]
    let inputs = try Self.files(reader.name).map { [UInt8](try Data(contentsOf: $0)) }
    #expect(inputs.count >= 10)
    for input in inputs { #expect(reader.violation(input) == nil) }
    let seed: UInt64 = 20_261_121
    var state = seed
    func random(_ bound: Int) -> Int {
      state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
      return Int(state >> 33) % max(bound, 1)
    }
    let letters = Array("{}[]\"\\=.,#'\n 01-eE_ax:&*!|>%?\t~".utf8)
    for round in 0..<2_000 {
      var bytes = inputs[random(inputs.count)]
      for _ in 0...random(3) where !bytes.isEmpty {
        switch random(3) {
        case 0: bytes[random(bytes.count)] = letters[random(letters.count)]
        case 1: bytes.insert(letters[random(letters.count)], at: random(bytes.count))
        default: bytes.remove(at: random(bytes.count))
        }
      }
      let violation = reader.violation(bytes)
      #expect(violation == nil, "seed \(seed), round \(round)")
    }
  }
}
