import CMedullaABI
import Testing

@testable import MedullaClassification

@Suite("what a classifier's sample says of its flow")
struct ClassifierOutcomeTests {
  private static func words(
    row: Int64, source: [UInt8], destination: [UInt8], version: Int64, count: Int = 9
  ) -> [Int64] {
    func word(_ bytes: ArraySlice<UInt8>) -> Int64 {
      let padded = Array(bytes) + [UInt8](repeating: 0, count: 8 - bytes.count)
      return padded.withUnsafeBytes { $0.loadUnaligned(as: Int64.self) }
    }
    let ports: Int64 = 1_001 << 48 | 443 << 32 | 17 << 24 | version << 16
    let all = [
      row, 5, 12, 3_400, word(source.suffix(8)), word(destination.suffix(8)), ports,
      version == 6 ? word(source.prefix(8)) : 0, version == 6 ? word(destination.prefix(8)) : 0,
    ]
    return Array(all.prefix(count))
  }

  @Test("addresses of either IP come back whole, with ports and protocol")
  func addresses() throws {
    let four = try #require(
      ClassifierOutcome(
        Self.words(row: 2, source: [10, 0, 0, 1], destination: [192, 168, 1, 2], version: 4)))
    #expect(four.description == "10.0.0.1:1001 > 192.168.1.2:443 (17)")
    #expect(four.row == 2 && four.margin == 5 && four.packets == 12 && four.bytes == 3_400)
    let from: [UInt8] = [0x20, 1, 0x0d, 0xb8] + [UInt8](repeating: 0, count: 11) + [1]
    let to: [UInt8] = [0xfe, 0x80] + [UInt8](repeating: 0, count: 13) + [7]
    let six = try #require(
      ClassifierOutcome(Self.words(row: 0, source: from, destination: to, version: 6)))
    #expect(six.source == from && six.destination == to)
    #expect(six.description == "[2001:db8::1]:1001 > [fe80::7]:443 (17)")
  }

  @Test(
    "a flow that the network was unsure of has no class",
    arguments: [Int64(CLASSIFIER_UNSURE), -1, Int64(CLASSIFIER_CLASSES), .max])
  func unsure(row: Int64) throws {
    let words = Self.words(row: row, source: [1, 2, 3, 4], destination: [5, 6, 7, 8], version: 4)
    #expect(try #require(ClassifierOutcome(words)).row == nil)
  }

  @Test("words that are no classifier's are none", arguments: [0, 8])
  func short(count: Int) {
    let words = Self.words(
      row: 0, source: [1, 2, 3, 4], destination: [5, 6, 7, 8], version: 4, count: count)
    #expect(ClassifierOutcome(words) == nil)
    #expect(ClassifierOutcome([Int64](repeating: 0, count: 10)) == nil)
  }
}
