import CMedullaABI
import DatapathCases
import MedullaDatapath
import MedullaFlows
import MedullaSnapshot
import Testing

@testable import MedullaClassification

@Suite("settings of a classifier")
struct ClassifierSettingsTests {
  @Test(
    "an action reads as it writes",
    arguments: ["count", "drop", "mirror", "mark:7", "mark:4294967295", "limit:8mbit", "redirect:eth1"])
  func actions(text: String) throws {
    #expect(try ClassifierAction(text).description == text)
  }

  @Test(
    "what is no action is refused, with what there is",
    arguments: [
      "", "pass", "mark", "mark:", "mark:-1", "mark:4294967296", "drop:1", "limit", "limit:fast",
      "limit:1bit",
      "limit:2000gbit", "redirect", "redirect:",
    ])
  func refusedActions(text: String) {
    let error = #expect(throws: DatapathError.self) { try ClassifierAction(text) }
    #expect(error?.code == .badConfiguration && error?.remedy.contains("mark:N") == true)
  }

  @Test(
    "a moment is the number of a packet, every packet or the end",
    arguments: [
      ("1", DecisionMoment.packet(1)), ("10", .packet(10)), ("every", .everyPacket), ("end", .end),
    ])
  func moments(text: String, moment: DecisionMoment) throws {
    #expect(try Classifier.moment(text) == moment && moment.description == text)
  }

  @Test("other moments are refused", arguments: ["", "0", "-1", "1.5", "10th", "18446744073709551615"])
  func refusedMoments(text: String) {
    #expect(throws: DatapathError.self) { try Classifier.moment(text) }
  }

  @Test("rules name labels, unsure and pending; a later one takes an earlier one's place")
  func rules() throws {
    var settings = ClassifierSettings()
    for rule in ["web=mark:1", "web=drop", "unsure=mirror", "pending=mark:3"] { try settings.add(rule) }
    #expect(settings.rules == ["web=drop", "unsure=mirror", "pending=mark:3"])
    #expect(throws: DatapathError.self) { try settings.add("web") }
    try settings.check(labels: ["web", "chat"])
    let error = #expect(throws: DatapathError.self) { try settings.check(labels: ["chat", "game"]) }
    #expect(error?.message.contains("web") == true && error?.remedy.contains("chat, game") == true)
    settings.margin = -0.1
    #expect(throws: DatapathError.self) { try settings.check(labels: ["web"]) }
  }

  @Test(
    "the kernel's words: rows by label, the margin in the outputs' fixed point, a limit's time for a byte")
  func words() throws {
    var settings = ClassifierSettings()
    for rule in ["b=limit:8mbit", "unsure=mark:9", "pending=drop"] { try settings.add(rule) }
    (settings.margin, settings.moment) = (0.25, .end)
    let hook = try FunctionHook("tc:lo:ingress")
    let words = try settings.words(labels: ["a", "b"], at: hook, outputFractionBits: 16)
    #expect(words.margin == 1 << 14 && words.moment == .max)
    withUnsafeBytes(of: words.rules) { raw in
      let rules = raw.bindMemory(to: classifier_rule.self)
      #expect(rules.count == Int(CLASSIFIER_ROWS))
      #expect(rules[0].action == UInt32(CLASSIFIER_COUNT))
      // A megabyte a second: a microsecond for a byte.
      #expect(rules[1].action == UInt32(CLASSIFIER_LIMIT) && rules[1].byte_ps == 1_000_000)
      #expect(rules[Int(CLASSIFIER_UNSURE)].value == 9)
      #expect(rules[Int(CLASSIFIER_PENDING)].action == UInt32(CLASSIFIER_DROP))
    }
    #expect(throws: DatapathError.self, "XDP has no mark") {
      try settings.words(labels: ["a", "b"], at: FunctionHook("xdp:lo"), outputFractionBits: 16)
    }
  }

  @Test("what is pinned brings the same classifier back, and other bytes are another version's")
  func record() throws {
    var settings = ClassifierSettings()
    for rule in ["web=limit:1.5mbit", "unsure=drop"] { try settings.add(rule) }
    (settings.margin, settings.moment) = (0.1, .packet(12))
    let classifier = Classifier(at: try FunctionHook("tc:eth0:both"), settings)
    let back = try Classifier(record: classifier.record)
    #expect(back.settings == settings && back.hook == classifier.hook && back.record == classifier.record)
    let error = #expect(throws: DatapathError.self) { try Classifier(record: Array("{}".utf8)) }
    #expect(error?.code == .foreignVersion)
  }

  @Test("the daemon's keys make the same classifier as the command's options")
  func keys() throws {
    let classifier = try Classifier(values: [
      "hook": .text("xdp:eth0"), "actions": .text("attack=drop, unsure=mirror"), "packets": .text("every"),
      "margin": .number(0.5),
    ])
    var settings = ClassifierSettings()
    for rule in ["attack=drop", "unsure=mirror"] { try settings.add(rule) }
    (settings.margin, settings.moment) = (0.5, .everyPacket)
    #expect(classifier.settings == settings && classifier.hook.description == "xdp:eth0")
    #expect(throws: DatapathError.self) { try Classifier(values: [:]) }
  }

  @Test(
    "the first of the largest outputs is the class, and the next one says the margin",
    arguments: [
      ([5], 0, 0), ([1, 2], 1, 1), ([2, 1], 0, 1), ([3, 3, 1], 0, 0), ([1, 3, 2], 1, 1), ([1, 2, 9], 2, 7),
      ([-5, -7, -6], 0, 1),
    ] as [([Int64], Int, Int64)])
  func largest(outputs: [Int64], row: Int, margin: Int64) {
    let found = ClassAnswer(outputs)
    #expect(found.row == row && found.margin == margin)
  }
}
