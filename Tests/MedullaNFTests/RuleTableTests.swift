import MedullaBase
import MedullaNF
import Testing

@Suite("Rules that a host asks itself")
struct RuleTableTests {
  static let settings = {
    var settings = ChainSettings(name: "case", interface: "wire")
    settings.functions = RuleCases.names.map { ChainFunction(name: $0) }
    settings.rules = RuleCases.rules
    return settings
  }()

  @Test("each frame is the first rule's that matches it, as in the kernel")
  func cases() {
    let table = RuleTable(Self.settings)
    for (index, item) in RuleCases.all.enumerated() {
      var frame = TestFrame(number: index)
      item.change(&frame)
      let choice = table.choice(of: frame.bytes)
      // Rules of the kernel's own have a number too.
      let isKernels = choice == .none || choice == .rule(0)
      #expect(item.rule.map { choice == .rule($0) } ?? isKernels, "case \(index)")
    }
  }

  @Test("a frame that is cut in its link header is told, one that is cut behind it is no flow's")
  func cut() {
    let table = RuleTable(Self.settings)
    let ends = [UInt8](repeating: 2, count: 12)
    for bytes in [[], ends, ends + [8], ends + [0x81, 0], ends + [0x88, 0xa8, 0, 1, 0x81, 0, 0, 1]] {
      #expect(table.choice(of: bytes) == .malformed)
    }
    #expect(table.choice(of: ends + [0x88, 0xb5]) == .rule(4))
    #expect(table.choice(of: ends + [0x08, 0x00]) == .none)
    let whole = TestFrame(number: 1).bytes
    for length in 14..<42 { #expect(table.choice(of: Array(whole.prefix(length))) == .none) }
    #expect(table.choice(of: Array(whole.prefix(42))) == .rule(7))
  }
}
