import MedullaSnapshot
import Testing

@testable import MedullaLabels

@Suite("Errors of rules")
struct RuleFaultTests {
  static let faults: [(text: String, place: String, words: String)] = [
    (
      "web if packets in {1}\n\nweb if packets == 10.0.0.0/8", "3, column 19",
      "`packets` is a number and `10.0.0.0/8` a prefix"
    ),
    ("web if packets", "1, column 8", "`packets` is a number, where a condition is expected"),
    ("web if packets and bytes > 1", "1, column 8", "where a condition is expected"),
    ("web if packets > 1 and source", "1, column 24", "`source` is an address"),
    ("web if packets + source > 1", "1, column 18", "`+` takes numbers, and `source` is an address"),
    ("web if -source == 1.2.3.4", "1, column 9", "a minus takes numbers"),
    ("web if source < 1.2.3.4", "1, column 8", "`<` compares numbers"),
    ("web if source == \"web\"", "1, column 18", "an address and `\"web\"` a class"),
    ("web if (packets > 1) == (bytes > 1)", "1, column 26", "a condition and `bytes > 1` too"),
    ("web if source in {10.0.0.0/8, 80}", "1, column 31", "`source` is an address and `80` a number"),
    ("web if packets in 10.0.0.0/8", "1, column 19", "`packets` is a number and `10.0.0.0/8` a prefix"),
    ("web if packets in {bytes}", "1, column 20", "no constant"),
    ("web if source in {destination}", "1, column 19", "no constant"),
    ("web if packets in {9..3}", "1, column 23", "ends before it begins"),
    ("web if source in {10.0.0.9..10.0.0.3}", "1, column 29", "ends before it begins"),
    ("web if source in {10.0.0.1..::1}", "1, column 29", "ends before it begins"),
    ("web if source in {10.0.0.0/8..10.1.0.0}", "1, column 19", "not of addresses"),
    ("web if prediction in {\"web\"..\"bulk\"}", "1, column 23", "no order"),
    ("web if 10.0.0.0/8 in {10.0.0.0/8}", "1, column 8", "no sets"),
    ("web if destination_port > 65536", "1, column 27", "`65536` is no port"),
    ("web if destination_port in {80, 70000}", "1, column 33", "`70000` is no port"),
    ("web if protocol == 256", "1, column 20", "`256` is no protocol"),
    ("web if latency > 1", "1, column 8", "no field or feature `latency`"),
    ("web if jitter_forward > 1", "1, column 8", "samples do not carry `jitter_forward`"),
    ("web if web == 1", "1, column 8", "`web` is a class, and no field"),
    ("game if packets > 1", "1, column 1", "no class `game`"),
    ("a: game if packets > 1", "1, column 4", "no class `game`"),
    ("web if prediction == \"game\"", "1, column 22", "no class `game`"),
    ("web packets > 1", "1, column 5", "`if` is expected, not `packets`"),
    ("web if", "1, column 7", "a value is expected, not the end of the text"),
    ("web if packets >\nbulk if bytes > 1", "1, column 17", "not the end of the line"),
    (
      "web if (packets > 1\nbulk if bytes > 1", "2, column 1", "the bracket of line 1, column 8 is not closed"
    ),
    ("web if packets > 1)", "1, column 19", "`)` is not expected here"),
    ("web if packets > 1 bytes", "1, column 20", "`bytes` is not expected here"),
    ("web if 1 < packets < 3", "1, column 20", "not compared again"),
    ("web if packets = 1", "1, column 16", "`=` is not of the language"),
    ("web if packets > 1 && bytes > 1", "1, column 20", "`&` is not of the language"),
    ("web if packets > 5ms", "1, column 18", "no unit"),
    ("web if packets > 1e999", "1, column 18", "too large"),
    ("web if source == 10.0.0.256", "1, column 18", "`10.0.0.256` is no address"),
    ("web if source in 10.0.0.0/33", "1, column 18", "no prefix"),
    ("web if source in 10.0.0.1/8", "1, column 18", "bits after its length"),
    ("web if source in ::1::2", "1, column 18", "no address"),
    ("web if prediction == \"web", "1, column 22", "no end"),
    ("web if prediction == \"w\\x\"", "1, column 25", "backslash"),
    ("web if packets in 3", "1, column 19", "`3` is no set"),
    ("web if packets in {}", "1, column 20", "no elements"),
    ("web if packets in {1, 2", "1, column 24", "the bracket of line 1, column 19 is not closed"),
    ("web if packets not 3", "1, column 20", "`in` is expected"),
    ("web if source in list \"x\"", "1, column 8", "no list \"x\""),
    ("web if source in list x", "1, column 23", "name in quotes"),
    ("web @ 1.5 if packets > 1", "1, column 7", "`1.5` is no confidence"),
    ("web @ 0 if packets > 1", "1, column 7", "no confidence"),
    ("abstain @ 0.5 if packets > 1", "1, column 9", "not sure of anything"),
    ("a: web if packets > 1\na: bulk if packets > 2", "2, column 4", "a rule of line 1 is called `a` too"),
    ("a:\nweb if packets > 1", "1, column 3", "is no class"),
    ("@ web if packets > 1", "1, column 1", "`@` begins no rule"),
    ("# ein Ümlaut, dann\nweb if \"ü\" == packets = 1", "2, column 23", "`=` is not of the language"),
    ("list \"x\" of ports", "1, column 10", "`from` is expected"),
    ("list \"x\" from \"f\" of things", "1, column 22", "no kind of list"),
    ("list \"x\" from \"f\" of ports", "1, column 1", "may not read files"),
    ("", "", "has no rule"), ("# only this", "", "has no rule"),
  ]

  @Test("each error says its line and column, and what is wrong", arguments: faults)
  func fault(text: String, place: String, words: String) throws {
    let error = try #require(throws: RuleError.self) { try RuleCase.program(text) }
    #expect(error.code == .malformed && error.message.contains(words), "\(text)\n\(error)")
    #expect(place.isEmpty || error.message.hasPrefix("rules: line \(place): "), "\(text)\n\(error)")
    #expect(!error.remedy.isEmpty)
  }

  @Test("all lines that are wrong are told, in their order, up to a bound")
  func all() throws {
    let text = "web if packets\nbulk if bytes > 1\nbulk if x > 1\nweb iff"
    let error = try #require(throws: RuleError.self) { try RuleCase.program(text) }
    #expect(error.message.contains("and 2 more"))
    let lines = error.log.split(separator: "\n")
    #expect(lines.map { $0.prefix(13) } == ["rules: line 1", "rules: line 3", "rules: line 4"])
    let many = String(repeating: "web iff\n", count: 100)
    let bounded = try #require(throws: RuleError.self) { try RuleCase.program(many) }
    #expect(bounded.log.split(separator: "\n").count == RuleLimit.faults)
  }

  @Test("rows of a table have no ends: a rule over them is refused when it is read")
  func table() throws {
    let schema = LabelSchema(
      classes: ["web"], features: ["packets", "destination_port"].compactMap { InputFeature($0) },
      hasFlow: false)
    for field in ["source == 1.2.3.4", "source_port > 1", "protocol == tcp"] {
      #expect(throws: RuleError.self) { try RuleCase.program("web if \(field)", schema: schema) }
    }
    let program = try RuleCase.program("web if destination_port == 22", schema: schema)
    #expect(try program.first(holdingOf: LabelRequest(sample: 1, features: [1, 22])) == 0)
  }

  @Test("size, depth, rules and elements are bounded")
  func bounds() throws {
    let deep = String(repeating: "(", count: 200) + "packets > 1" + String(repeating: ")", count: 200)
    let nots = String(repeating: "not ", count: 200) + "packets > 1"
    let sum = "packets" + String(repeating: " + 1", count: 200) + " > 1"
    let elements = "packets in {" + (0...RuleLimit.elements).map(String.init).joined(separator: ",") + "}"
    for condition in [deep, nots, sum, elements, "packets > \(String(repeating: "1", count: 400))"] {
      #expect(throws: RuleError.self) { try RuleCase.program("web if \(condition)") }
    }
    let rules = String(repeating: "web if packets > 1\n", count: RuleLimit.rules + 1)
    let error = try #require(throws: RuleError.self) { try RuleCase.program(rules) }
    #expect(error.message.contains("line 4097, column 1"), "\(error)")
    let text = String(repeating: "#\n", count: RuleLimit.bytes)
    #expect(throws: RuleError.self) { try RuleCase.program(text) }
    let wide = (0..<500).map { "packets == \($0)" }.joined(separator: " or ")
    #expect(try RuleCase.holds(wide, RuleCase.request()))
  }
}
