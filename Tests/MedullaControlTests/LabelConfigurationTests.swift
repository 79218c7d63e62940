import MedullaAdaptation
import MedullaRetraining
import Testing

@testable import MedullaControl

@Suite("An adapter that learns from labels, in the configuration")
struct LabelConfigurationTests {
  private static func read(_ adapter: String) throws -> AdapterSettings? {
    let text = "function: [{ name: a, bundle: /b, adapter: { kind: labels, \(adapter) } }]"
    return try Configuration(text: text, directory: "/etc/medulla").functions.first?.adapter
  }

  private static func settings(_ adapter: String) throws -> LabelSettings {
    guard case .labels(let settings)? = try read(adapter) else {
      throw ControlError(.badConfiguration, "no adapter of labels")
    }
    return settings
  }

  @Test("agents of every kind arrive with their keys; paths count from the configuration")
  func agents() throws {
    let settings = try Self.settings(
      """
      agents: [
        { kind: rules, file: mine.rules },
        { kind: lists, name: threats, lists: ["addresses:source:bad.txt=attack@0.9"], calls: 100 },
        { kind: python, name: large, class: "medulla.labeler:OnnxLabeler", user: nobody, price: 2, cost: 50 },
        { kind: command, name: own, argv: [bin/labeler, --fast], deadline: 1s },
        { kind: service, name: people, url: "https://labels.example/v1", headers: token, batch: 8,
          deadline: 5s, endpoints: true, gives_rules: true },
      ]
      """)
    #expect(settings.agents.map(\.name) == ["rules", "threats", "large", "own", "people"])
    #expect(settings.agents.map(\.kind) == ["rules", "lists", "python", "command", "service"])
    #expect(settings.agents[0].source == .rules(path: "/etc/medulla/mine.rules"))
    #expect(settings.agents[1].source == .lists(["addresses:source:/etc/medulla/bad.txt=attack@0.9"]))
    #expect(settings.agents[1].calls == 100 && settings.agents[1].cost == nil)
    #expect(settings.agents[2].price == 2 && settings.agents[2].cost == 50)
    guard case .command(let command) = settings.agents[3].source else {
      Issue.record("\(settings.agents[3])")
      return
    }
    #expect(command.arguments == ["/etc/medulla/bin/labeler", "--fast"] && command.deadline == .seconds(1))
    #expect(
      settings.agents[4].source
        == .service(
          .init(
            url: "https://labels.example/v1", headers: "/etc/medulla/token", batch: 8, deadline: .seconds(5),
            sendsEndpoints: true, givesRules: true)))
    #expect(AdapterSettings.labels(settings).isolations.count == 2)
  }

  @Test("windows, shares and policies arrive; what is left out is the default")
  func windows() throws {
    let rules = "agents: [{ kind: rules, file: r }]"
    let plain = try Self.settings(rules)
    #expect(plain == LabelSettings(agents: plain.agents))
    let set = try Self.settings(
      rules + ", window: 50, share: 0.1, patience: 500ms, margin: 0.1, accuracy: 0.8, memory: 200, seed: 7, "
        + "policy: schedule, every: 4, cascade: rules")
    #expect(set.baselineMargin == nil)
    #expect(try Self.settings(rules + ", baseline_margin: 0.05").baselineMargin == 0.05)
    #expect(set.window == 50 && set.share == 0.1 && set.patience == .milliseconds(500))
    #expect(set.margin == 0.1 && set.accuracy == 0.8 && set.memory == 200 && set.seed == 7)
    #expect(set.policy == .schedule(windows: 4) && set.cascade == "rules")
    #expect(try Self.settings(rules + ", policy: every_window").policy == .everyWindow)
  }

  @Test(
    "what is missing, of another kind or out of range is named",
    arguments: [
      ("window: 50", "agents"), ("agents: []", "agents"), ("agents: [{ file: r }]", "kind"),
      ("agents: [{ kind: oracle }]", "kind"), ("agents: [{ kind: rules }]", "file"),
      ("agents: [{ kind: lists }]", "lists"), ("agents: [{ kind: service }]", "url"),
      ("agents: [{ kind: rules, file: r, url: x }]", "url"),
      ("agents: [{ kind: rules, file: r }], window: 5", "window"),
      ("agents: [{ kind: rules, file: r }], share: 0", "share"),
      ("agents: [{ kind: rules, file: r }], every: 5", "every"),
      ("agents: [{ kind: rules, file: r }], baseline_margin: 2", "baseline_margin"),
      ("agents: [{ kind: rules, file: r }], policy: every_window, baseline_margin: 0", "baseline_margin"),
      ("agents: [{ kind: rules, file: r }], cascade: nobody", "cascade"),
      ("agents: [{ kind: rules, file: r }], referee: nobody", "referee"),
      ("agents: [{ kind: rules, file: r }], teacher: x", "teacher"),
    ])
  func refusals(text: String, key: String) {
    let error = #expect(throws: ControlError.self) { try Self.read(text) }
    #expect(error?.message.contains("function.adapter") == true, "\(error as Any)")
    #expect(error?.message.contains(key) == true, "\(error as Any)")
  }

  @Test(
    "settings that do not go together are refused too",
    arguments: [
      ("agents: [{ kind: rules, file: r }, { kind: rules, file: s }]", "same name"),
      ("agents: [{ kind: rules, file: r, name: A-1 }]", "small letters"),
      ("agents: [{ kind: rules, file: r, name: operator }]", "people"),
      ("agents: [{ kind: rules, file: r }, { kind: rules, name: b, file: s }], referee: b", "two other"),
    ])
  func together(text: String, words: String) {
    let error = #expect(throws: ControlError.self) { try Self.read(text) }
    #expect(error?.message.contains(words) == true, "\(error as Any)")
  }
}
