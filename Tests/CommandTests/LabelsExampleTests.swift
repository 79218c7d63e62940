import Foundation
import Testing

/// The worked example of `examples/labels`, as its README runs it.
@Suite("the example of labeling agents", .serialized)
struct LabelsExampleTests {
  private struct Answer: Decodable {
    struct Agreement: Decodable {
      let both: Int
      let agreed: Int
      let share: Double?
    }

    struct Agent: Decodable {
      struct Count: Decodable {
        let label: String
        let flows: Int
      }

      let name: String
      let labelled: Int
      let abstained: Int
      let coverage: Double
      let classes: [Count]
      let network: Agreement
    }

    struct Pair: Decodable {
      let agents: [String]
      let agreement: Agreement
    }

    struct Summary: Decodable {
      let flows: Int
      let decided: Int
      let agents: [Agent]
      let pairs: [Pair]
    }

    struct Rule: Decodable {
      let rule: String
      let flows: Int
    }

    struct Flow: Decodable {
      struct Said: Decodable {
        let agent: String
        let label: String?
        let confidence: Double
      }

      let destination_port: Int
      let label: String
      let decided: Bool
      let agents: [Said]
    }

    let labels: [String]
    let pending: Int
    let summary: Summary
    let rules: [Rule]
    let flows: [Flow]
  }

  private static let ports = [8080: "web", 5201: "bulk", 5222: "chat", 4000: "voice"]
  private static let example = "examples/labels"

  /// Compiles the classifier as the README does; the lines after it.
  private func lines() throws -> [String] {
    let lines = try DocumentedCommandsTests.commands(in: Self.example + "/README.md")
    let compiled = try MedullaCommandLine.shell(try #require(lines.first))
    try #require(compiled.status == 0, "\(compiled.errors)")
    return Array(lines.dropFirst())
  }

  @Test("rules and lists say of recorded flows what they are, and of the others nothing")
  func recorded() throws {
    let line = try #require(try lines().first)
    let table = try MedullaCommandLine.shell(line)
    #expect(table.status == 0 && table.output.contains("messages") && table.errors.contains("240 flows"))
    let outcome = try MedullaCommandLine.shell(line + " --json")
    try #require(outcome.status == 0, "\(outcome.errors)")
    let answer = try JSONDecoder().decode(Answer.self, from: Data(outcome.output.utf8))
    #expect(answer.labels == ["web", "bulk", "chat", "voice"] && answer.summary.flows == answer.flows.count)
    #expect(answer.flows.count + answer.pending == 240)
    #expect(answer.summary.agents.map(\.name) == ["rules", "lists"])
    for flow in answer.flows {
      let lists = flow.agents.first { $0.agent == "lists" }
      #expect(lists?.label == (flow.destination_port == 5201 ? "bulk" : nil))
      #expect(lists?.label == nil || lists?.confidence == 0.9)
    }
    let rules = try #require(answer.summary.agents.first)
    let right = answer.flows.count { flow in
      flow.agents.contains { $0.agent == "rules" && $0.label == Self.ports[flow.destination_port] }
    }
    print("rules: \(rules.labelled) of \(answer.flows.count) labelled, \(right) right, \(rules.network)")
    #expect(rules.labelled >= 180 && Double(right) >= 0.95 * Double(rules.labelled))
    #expect(rules.labelled + rules.abstained == answer.summary.flows)
    #expect(
      rules.classes.map(\.flows).reduce(0, +) == rules.labelled && rules.network.agreed <= rules.network.both)
    #expect(answer.rules.map(\.rule) == ["foreign", "line 10", "upload", "page", "messages"])
    #expect(answer.rules.map(\.flows).reduce(0, +) == rules.labelled)
    let pair = try #require(answer.summary.pairs.first)
    #expect(
      answer.summary.pairs.count == 1 && pair.agreement.agreed == pair.agreement.both
        && pair.agreement.both > 0)
  }

  @Test("nDPI is asked where it is installed, and where not the command says what to install")
  func applications() throws {
    let line = try #require(try lines().last)
    let outcome = try MedullaCommandLine.shell(line)
    if outcome.status == 0 {
      #expect(outcome.output.contains("ndpi"), "\(outcome.output)")
    } else {
      #expect(outcome.errors.contains("libndpi4.2"), "\(outcome.errors)")
    }
  }

  @Test("what does not fit is refused: rules by line and column, lists by what is missing, no agent at all")
  func refused() throws {
    _ = try lines()
    let folder = try TestFolder()
    func refuses(_ options: [String], _ words: String...) throws {
      let command = ["labels", "test", "examples/classifier/traffic.pcap", "--model", "/tmp/labels.medulla"]
      let outcome = try MedullaCommandLine.run(command + options)
      #expect(outcome.status != 0 && outcome.output.isEmpty)
      for word in words { #expect(outcome.errors.contains(word), "\(options): \(outcome.errors)") }
    }
    let rules = folder.path + "/rules"
    try "web if packets == 10.0.0.0/8\ngame if bytes > 1\n".write(
      toFile: rules, atomically: true, encoding: .utf8)
    try refuses(
      ["--rules", rules], "line 1, column 19: `packets` is a number and `10.0.0.0/8` a prefix",
      "line 2, column 1: there is no class `game`")
    try "web if jitter_forward > 1".write(toFile: rules, atomically: true, encoding: .utf8)
    try refuses(["--rules", rules], "line 1, column 8: samples do not carry `jitter_forward`")
    let list = folder.path + "/list"
    try "example.org\n".write(toFile: list, atomically: true, encoding: .utf8)
    try refuses(["--list", list + "=web"], "which domain", "--ndpi")
    try refuses(["--list", "devices:\(list)=web"], "--devices")
    try refuses(["--list", list], "says no list")
    try refuses(["--list", "/nonexistent=web"], "nonexistent")
    try refuses(["--ndpi", "/nonexistent.json"], "help:")
    try refuses([], "no agent")
    try refuses(["--rules", rules, "--packets", "every"], "once a flow")
    try refuses(["--rules", rules, "--guess-by-port"], "--ndpi")
  }
}
