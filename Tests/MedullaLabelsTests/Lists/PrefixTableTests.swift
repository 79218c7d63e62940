import MedullaBase
import Testing

@testable import MedullaLabels

@Suite("Prefixes")
struct PrefixTableTests {
  @Test(
    "the longest prefix is found that a search through all finds", arguments: 1...60 as ClosedRange<UInt64>)
  func naive(seed: UInt64) throws {
    var generator = SeededGenerator(seed: seed)
    // Few different bits, so that prefixes lie in each other.
    func address(_ count: Int) -> IPAddress? {
      let bytes: [UInt8] = [0, 1, 128, 255]
      return IPAddress((0..<count).map { _ in bytes.randomElement(using: &generator) ?? 0 })
    }
    let prefixes = (0..<Int.random(in: 0...200, using: &generator)).compactMap { _ -> IPPrefix? in
      let count = Bool.random(using: &generator) ? 4 : 16
      return address(count).flatMap { IPPrefix($0, length: Int.random(in: 0...8 * count, using: &generator)) }
    }
    let table = PrefixTable(prefixes)
    #expect(table.count == Set(prefixes).count, "seed \(seed)")
    for _ in 0..<500 {
      let asked = try #require(address(Bool.random(using: &generator) ? 4 : 16))
      let expected = prefixes.filter { $0.contains(asked) }.max { $0.length < $1.length }
      #expect(table.longest(asked) == expected, "\(asked), seed \(seed)")
    }
    for prefix in prefixes { #expect(table.longest(prefix.address) != nil, "\(prefix), seed \(seed)") }
  }

  @Test("addresses and prefixes are read in their usual forms, and nothing else is")
  func texts() {
    let good = [
      ("10.1.2.3/8", "10.0.0.0/8"), ("10.1.2.3", "10.1.2.3/32"), ("0.0.0.0/0", "0.0.0.0/0"),
      ("2001:DB8::1/32", "2001:db8::/32"), ("::", "::/128"), ("::ffff:1.2.3.4/128", "::ffff:1.2.3.4/128"),
    ]
    for (text, expected) in good { #expect(IPPrefix(text)?.description == expected, "\(text)") }
    let bad = [
      "", "/", "10", "10.1.2", "10.1.2.3.4", "10.1.2.256", "10.1.2.3/", "10.1.2.3/33", "10.1.2.3/-1",
      "10.1.2.3/+8",
      "10.1.2.3/8/8", "::/129", "fe80::1%eth0", " 10.1.2.3", "10.1.2.3/255.0.0.0", "example.org", "1::2::3",
    ]
    for text in bad { #expect(IPPrefix(text) == nil, "\(text)") }
    #expect(IPAddress([1, 2, 3]) == nil && IPAddress("1.2.3.4")?.bytes == [1, 2, 3, 4])
    #expect(IPAddress("2001:db8::1")?.bytes.count == 16)
  }
}
