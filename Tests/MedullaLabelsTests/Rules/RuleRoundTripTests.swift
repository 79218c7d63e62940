import MedullaBase
import Testing

@testable import MedullaLabels

@Suite("Rules as text")
struct RuleRoundTripTests {
  @Test(
    "random rules are the same after they were written and read", arguments: 1...400 as ClosedRange<UInt64>)
  func roundTrip(seed: UInt64) {
    var maker = RuleMaker(seed: seed)
    let rules = (0..<5).map { _ in maker.rule() }
    let text = rules.map(\.description).joined(separator: "\n")
    let parser = RuleParser(text)
    #expect(parser.faults.isEmpty, "seed \(seed): \(parser.faults)\n\(text)")
    #expect(parser.rules == rules, "seed \(seed)\n\(text)\n\(parser.rules.map(\.description))")
  }

  @Test("brackets stand only where the order of the operators needs them")
  func brackets() {
    let texts = [
      ("web if (((a) > (1)))", "web if a > 1"), ("web if a - (b - c) > 1", "web if a - (b - c) > 1"),
      ("web if (a - b) - c > 1", "web if a - b - c > 1"), ("web if (a*b)+c > 1", "web if a * b + c > 1"),
      ("web if (a > 1 and b > 1) or c > 1", "web if a > 1 and b > 1 or c > 1"),
      ("web if a > 1 and (b > 1 or c > 1)", "web if a > 1 and (b > 1 or c > 1)"),
      ("web if not (a > 1)", "web if not a > 1"),
      ("web if not (a > 1 or b > 1)", "web if not (a > 1 or b > 1)"),
      ("n: web @ 0.50 if a in 10.0.0.0/8", "n: web @ 0.5 if a in {10.0.0.0/8}"),
      ("\"web\" @ 1 if -(a + b) > 1", "web if -(a + b) > 1"),
      ("\"a b\" if a not in {1}", "\"a b\" if a not in {1}"),
    ]
    for (text, expected) in texts { #expect(RuleParser(text).rules.map(\.description) == [expected]) }
  }

  @Test("what is in brackets goes on over lines; comments end with their line")
  func lines() {
    let parser = RuleParser("web if a in { 1, # one\n 2 }\n# nothing\n\nbulk if (a > 1\n or b > 1)\r\n")
    #expect(parser.faults.isEmpty)
    #expect(parser.rules.map(\.description) == ["web if a in {1, 2}", "bulk if a > 1 or b > 1"])
  }
}

/// Makes rules of any form that can be written, whether their types fit or not.
private struct RuleMaker {
  private var generator: SeededGenerator
  private let place = RulePlace(line: 1, column: 1)

  init(seed: UInt64) { generator = SeededGenerator(seed: seed) }

  private mutating func number(_ range: ClosedRange<Int>) -> Int { Int.random(in: range, using: &generator) }

  private mutating func pick<Value>(_ values: [Value]) -> Value { values[number(0...values.count - 1)] }

  mutating func rule() -> RuleStatement {
    let label = pick(["web", "a/b.c-d_e", "10", "if", "abstain", "zwei Wörter", "\"\\", nil])
    let confidence = label == nil ? 1 : pick([1, 0.5, 0.001, 1e-7])
    return RuleStatement(
      name: pick([nil, "first", "list", "in-2", "a b"]), label: label, labelPlace: place,
      confidence: confidence,
      condition: node(depth: 5))
  }

  private mutating func node(depth: Int) -> RuleNode { RuleNode(kind(depth: depth), at: place) }

  private mutating func nodes(_ depth: Int) -> [RuleNode] {
    (0..<number(2...4)).map { _ in node(depth: depth - 1) }
  }

  private mutating func kind(depth: Int) -> RuleNode.Kind {
    guard depth > 0, number(0...9) > 0 else { return leaf() }
    switch number(0...7) {
    case 0: return .negative(node(depth: depth - 1))
    case 1: return .arithmetic(pick(RuleArithmetic.allCases), node(depth: depth - 1), node(depth: depth - 1))
    case 2: return .comparison(pick(RuleComparison.allCases), node(depth: depth - 1), node(depth: depth - 1))
    case 3: return .membership(node(depth: depth - 1), set(depth), isNegated: number(0...1) == 1)
    case 4: return .not(node(depth: depth - 1))
    case 5: return .all(nodes(depth))
    case 6: return .any(nodes(depth))
    default: return leaf()
    }
  }

  private mutating func set(_ depth: Int) -> RuleSet {
    guard number(0...3) > 0 else { return .list(pick(["x", "a \"b\"", ""])) }
    return .elements(
      (0..<number(1...3)).map { _ in
        RuleElement(node(depth: depth - 1), to: number(0...2) == 0 ? node(depth: depth - 1) : nil)
      })
  }

  private mutating func leaf() -> RuleNode.Kind {
    switch number(0...4) {
    case 0:
      return .number(
        pick([0, 1, 0.1, 1e15, 123_456_789, 1e300, .leastNonzeroMagnitude, .greatestFiniteMagnitude]))
    case 1: return .name(pick(["packets", "unsure", "deadbeef", "e1", "_"]))
    case 2: return .text(pick(["web", "", "a#b", "\"", "\\", "ü"]))
    case 3: return address().map { .address($0) } ?? .number(1)
    default:
      let prefix = address().flatMap { IPPrefix($0, length: number(0...32)) }
      return prefix.map { .prefix($0) } ?? .number(2)
    }
  }

  private mutating func address() -> IPAddress? {
    let count = pick([4, 16])
    return IPAddress((0..<count).map { _ in UInt8(number(0...2) == 0 ? 0 : number(0...255)) })
  }
}
