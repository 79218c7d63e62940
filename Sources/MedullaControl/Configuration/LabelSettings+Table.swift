import MedullaAdaptation
import MedullaLabels
import MedullaRetraining

extension LabelSettings {
  init(_ table: inout TableReader, directory: String) {
    if !table.has("agents") { table.problem(nil, "needs the key agents, a list of who gives labels") }
    self.init(
      agents: table.tables("agents").map { reader in
        var reader = reader
        return Agent(&reader, directory: directory)
      })
    if table.has("agents"), agents.isEmpty { table.problem("agents", "has nobody who gives labels") }
    window = table.integer("window", in: Self.windows) ?? window
    share = table.number("share", in: 1e-6...1) ?? share
    patience = table.duration("patience", in: Self.patiences) ?? patience
    margin = table.number("margin", in: 0...1) ?? margin
    baselineMargin = table.number("baseline_margin", in: 0...1)
    accuracy = table.number("accuracy", in: Self.accuracies) ?? accuracy
    memory = table.integer("memory", in: Self.memories) ?? memory
    cascade = table.string("cascade")
    referee = table.string("referee")
    seed = table.integer("seed", in: 0...Int.max).map(UInt64.init) ?? seed
    let every = table.integer("every", in: 1...1_000_000)
    let word = table.word("policy", ["triggered", "schedule", "every_window"].map { ($0, $0) })
    switch word {
    case "schedule": policy = .schedule(windows: every ?? 10)
    case "every_window": policy = .everyWindow
    default: break
    }
    if every != nil, word != "schedule" { table.problem("every", "goes with policy: schedule") }
    if baselineMargin != nil, policy != .triggered {
      table.problem("baseline_margin", "goes with policy: triggered")
    }
    for (key, name) in [("cascade", cascade), ("referee", referee)] {
      guard let name, !agents.contains(where: { $0.name == name }) else { continue }
      table.problem(key, "names no agent: \"\(name)\"")
    }
  }
}

extension LabelSettings.Agent {
  fileprivate init(_ table: inout TableReader, directory: String) {
    if !table.has("kind") { table.problem(nil, "needs the key kind, such as kind: rules") }
    let kinds = ["rules", "lists", "python", "command", "ndpi", "service"].map { ($0, $0) }
    let kind = table.word("kind", kinds)
    let name = table.string("name") ?? kind ?? "agent"
    let source: Source
    switch kind {
    case "lists":
      if !table.has("lists") {
        table.problem(nil, "needs the key lists, such as lists: [\"ports:web.txt=web\"]")
      }
      source = .lists((table.strings("lists") ?? []).map { Self.list($0, from: directory) })
    case "python": source = .python(AdapterSettings.Python(&table, directory: directory))
    case "command": source = .command(AdapterSettings.Command(&table, directory: directory))
    case "ndpi": source = .ndpi(NDPI(&table, directory: directory))
    case "service": source = .service(Service(&table, directory: directory))
    case "rules":
      let path = table.requiredString("file", example: "traffic.rules")
      source = .rules(path: ConfigurationPath.absolute(path, from: directory))
    default: source = .rules(path: "")
    }
    self.init(name: name, source: source)
    calls = table.number("calls", in: 0...1e15)
    price = table.number("price", in: 0...1e12) ?? price
    cost = table.number("cost", in: 0...1e15)
    if kind != nil { table.finish() }
  }

  /// The path of a list counts from the configuration's directory; what stands before it are words with
  /// colons.
  private static func list(_ text: String, from directory: String) -> String {
    guard let list = try? ListText(text), let range = text.range(of: list.path, options: .backwards) else {
      return text
    }
    return text.replacingCharacters(in: range, with: ConfigurationPath.absolute(list.path, from: directory))
  }
}

extension LabelSettings.Agent.NDPI {
  /// Without an interface it is the function's, which is not known here.
  fileprivate init(_ table: inout TableReader, directory: String) {
    let map = table.requiredString("map", example: "applications.json")
    self.init(
      interface: table.string("interface") ?? "", map: ConfigurationPath.absolute(map, from: directory))
    patience = table.duration("patience", in: Self.patiences) ?? patience
    guessesByPort = table.boolean("guess_by_port") ?? guessesByPort
    deadline = table.duration("deadline", in: AdapterSettings.deadlines) ?? deadline
    isolation = ProcessIsolation(&table, directory: directory)
  }
}

extension LabelSettings.Agent.Service {
  fileprivate init(_ table: inout TableReader, directory: String) {
    self.init(url: table.requiredString("url", example: "http://127.0.0.1:8089/label"))
    headers = table.string("headers").map { ConfigurationPath.absolute($0, from: directory) }
    batch = table.integer("batch", in: 1...4_096) ?? batch
    deadline = table.duration("deadline", in: AdapterSettings.deadlines) ?? deadline
    sendsEndpoints = table.boolean("endpoints") ?? sendsEndpoints
    givesRules = table.boolean("gives_rules") ?? givesRules
  }
}
