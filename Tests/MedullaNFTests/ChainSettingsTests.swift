import MedullaNF
import Testing

@Suite("The settings of a chain")
struct ChainSettingsTests {
  private func chain(_ change: (inout ChainSettings) -> Void = { _ in }) -> ChainSettings {
    var chain = ChainSettings(name: "images", interface: "eth0")
    var first = ChainFunction(name: "first")
    first.next = .function("second")
    chain.functions = [first, ChainFunction(name: "second")]
    chain.rules = [DemultiplexerRule(function: "first")]
    change(&chain)
    return chain
  }

  @Test("a chain of two functions is taken")
  func taken() {
    #expect(chain().problems() == [])
    #expect(chain().entries == ["first"])
  }

  private static let impossible: [(String, @Sendable (inout ChainSettings) -> Void)] = [
    ("nothing leads to second", { $0.functions[0].next = .release }),
    ("frames would go round in a circle by first, second", { $0.functions[1].next = .function("first") }),
    ("first leads to third, which the chain does not have", { $0.functions[0].next = .function("third") }),
    (
      "first leads to the interface eth1, which the chain does not have",
      { $0.functions[0].branches = [.interface("eth1")] }
    ),
    ("it has no rule, so that no function gets frames", { $0.rules = [] }),
    ("rule 1: the chain has no function other", { $0.rules[0].function = "other" }),
    ("rule 1: the port 70000 cannot be: 0 to 65535", { $0.rules[0].sourcePorts = 1...70_000 }),
    ("two functions have one name", { $0.functions[1].name = "first" }),
    ("first: a quota of 0 cannot be", { $0.functions[0].quota = 0 }),
  ]

  @Test("what cannot be is told, with where it is", arguments: impossible)
  func refused(_ problem: String, _ change: @Sendable (inout ChainSettings) -> Void) {
    #expect(chain(change).problems().contains(problem))
  }

  @Test("quotas that could starve others are refused, with the numbers")
  func quotas() {
    let problems = chain { $0.functions[0].quota = 16_000 }.problems()
    #expect(problems.count == 1)
    #expect(problems[0].contains("20096") && problems[0].contains("16384 frames"))
  }
}
