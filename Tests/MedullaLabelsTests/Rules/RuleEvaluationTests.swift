import CMedullaABI
import MedullaBase
import MedullaSnapshot
import Testing

@testable import MedullaLabels

@Suite("Rules")
struct RuleEvaluationTests {
  static let conditions: [(String, Bool)] = [
    ("packets < 13", true), ("packets < 12", false), ("packets <= 12", true), ("packets <= 11", false),
    ("packets > 11", true), ("packets > 12", false), ("packets >= 12", true), ("packets >= 13", false),
    ("packets == 12", true), ("packets == 13", false), ("packets != 13", true), ("packets != 12", false),
    ("packets + 1 == 13", true), ("packets - 13 == -1", true), ("packets * 400 == bytes", true),
    ("bytes / packets == 400", true), ("packets % 5 == 2", true), ("-packets == -12", true),
    ("2 + 3 * 4 == 14", true), ("(2 + 3) * 4 == 20", true), ("10 - 4 - 3 == 3", true),
    ("--packets == 12", true),
    ("48 / 4 / 2 == 6", true), ("bytes / gap_mean > 1e300", true),
    ("gap_mean / gap_mean == gap_mean / gap_mean", false),
    ("1_000 == 1e3 and 2.5 == 25e-1", true), ("length_mean == 400", true), ("duration == 1000", true),
    ("packets > 1 and bytes > 1", true), ("packets > 1 and bytes < 1", false),
    ("packets < 1 or bytes > 1", true), ("packets < 1 or bytes < 1", false), ("not packets < 1", true),
    ("not (packets > 1 or bytes < 1)", false), ("packets < 1 and bytes > 1 or margin == 0.5", true),
    ("packets < 1 and (bytes > 1 or margin == 0.5)", false), ("not not packets > 1", true),
    ("source == 192.0.2.7", true), ("source != 192.0.2.7", false), ("source == destination", false),
    ("source == 192.0.2.0/24", true), ("192.0.2.0/24 != source", false), ("source in 192.0.2.0/24", true),
    ("source not in 192.0.2.0/24", false), ("destination in {10.0.0.0/8, 192.0.2.1}", true),
    ("source in {192.0.2.1..192.0.2.7}", true), ("source in {192.0.2.8..192.0.2.9, ::/0}", false),
    ("source == ::ffff:192.0.2.7", false), ("destination in {10.1.2.4}", false),
    ("source in 0.0.0.0/0", true),
    ("destination_port == 443", true), ("destination_port in {22, 80..500}", true),
    ("destination_port in {22, 80..442}", false), ("source_port in {49152..65535}", true),
    ("destination_port not in {22}", true), ("packets in {11.5..12}", true), ("packets in {-1, 3 * 4}", true),
    ("protocol == tcp", true), ("protocol == 17", false), ("protocol in {udp, sctp}", false),
    ("prediction == \"web\"", true), ("prediction != \"web-chat\"", true), ("prediction == unsure", false),
    ("prediction in {\"bulk\", \"web\"}", true), ("prediction in {\"bulk\", unsure}", false),
    ("margin < 0.6", true),
  ]

  @Test("each operator holds where it should", arguments: conditions)
  func condition(text: String, expected: Bool) throws {
    #expect(try RuleCase.holds(text, RuleCase.request()) == expected)
  }

  @Test("addresses of IPv6 compare with addresses and prefixes; a network that was unsure is unsure")
  func six() throws {
    let request = try RuleCase.request(source: "2001:db8::7", destination: "fe80::1", prediction: nil)
    for text in ["source == 2001:DB8:0::7", "source in 2001:db8::/32", "destination in {::1, fe80::/10}"] {
      #expect(try RuleCase.holds(text, request), "\(text)")
    }
    #expect(try RuleCase.holds("prediction == unsure and not source in 0.0.0.0/0", request))
  }

  @Test("the first rule that holds says the class and its confidence, or that it is left open")
  func first() throws {
    func label(_ text: String) throws -> Label? {
      RuleAgent(try RuleCase.program(text)).label([try RuleCase.request()]).first
    }
    let both = "late: bulk if packets > 100\nweb @ 0.25 if packets > 5 # here\nbulk if packets > 1"
    #expect(try label(both) == Label(sample: 9, agent: "rules", label: 0, confidence: 0.25))
    #expect(try label("abstain if packets > 1\nweb if packets > 1")?.label == nil)
    #expect(try label("web if packets > 100")?.label == nil)
    #expect(try label("web-chat if packets > 1")?.label == 2)
    #expect(try label("\"abstain\" if packets > 1")?.label == 3)
  }

  @Test("what each rule has said is counted by its name")
  func counts() throws {
    let agent = RuleAgent(try RuleCase.program("many: bulk if packets > 100\nweb if packets > 1"))
    _ = agent.label([try RuleCase.request(), try RuleCase.request()])
    #expect(agent.program.names == ["many", "line 2"] && agent.hits == [0, 2])
  }

  @Test("a request without what its schema has is abstained from and counted")
  func incomplete() throws {
    let agent = RuleAgent(try RuleCase.program("web if bytes > 1 or source in 10.0.0.0/8"))
    let labels = agent.label([LabelRequest(sample: 1, features: [1, 2, 3])])
    #expect(labels == [Label(sample: 1, agent: "rules", label: nil)] && agent.incomplete == 1)
  }

  @Test("exact facts are used where a sample has them, else the input is brought back through its scale")
  func facts() throws {
    let schema = LabelSchema(classes: ["web"], features: [InputFeature(name: "packets", scale: .log2)])
    let program = try RuleCase.program("web if packets == 1000", schema: schema)
    let input = 9 + 489.0 / 512
    #expect(try program.first(holdingOf: LabelRequest(sample: 1, features: [input])) == 0)
    let fact = LabelRequest(sample: 1, features: [input], facts: ["packets": 999])
    #expect(try program.first(holdingOf: fact) == nil)
  }

  @Test("scaled inputs give their features back: exactly below 2^17, above it within 2^-16 of them")
  func scale() {
    let seed: UInt64 = 7
    var generator = SeededGenerator(seed: seed)
    let feature = InputFeature(name: "bytes", scale: .log2)
    let values: [UInt64] =
      Array(0..<3_000) + (0..<2_000).map { _ in UInt64.random(in: 0..<1 << 17, using: &generator) }
      + (0..<2_000).map { _ in
        UInt64.random(in: 0...UInt64.max >> UInt64.random(in: 0..<47, using: &generator), using: &generator)
      }
    for value in values {
      let input = Double(flow_input_log2(value, 16)) / 65_536
      let back = feature.original(input)
      if value < 1 << 17 {
        #expect(back == Double(value), "seed \(seed)")
      } else {
        #expect(abs(back - Double(value)) <= Double(value) * 0x1p-16 + 1, "\(value), seed \(seed)")
      }
    }
    #expect(InputFeature(name: "bytes", scale: .linear).original(-2.5) == -2.5)
    #expect(feature.original(-.infinity) == 0 && feature.original(.nan) == 0)
  }

  @Test("no word of the language is the name of a feature")
  func keywords() {
    for name in RuleText.keywords.union(RuleTransport.numbers.keys).union(["source", "destination"]) {
      #expect(!LabelCase.featureNames.contains(name), "\(name)")
    }
  }
}
