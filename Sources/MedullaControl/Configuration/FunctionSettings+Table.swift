import MedullaAdaptation
import MedullaCompile
import MedullaDatapath

extension FunctionSettings {
  /// Reads one table of the list `function`.
  init(_ table: inout TableReader, directory: String) {
    let name = table.requiredString("name", example: "medulla")
    if !name.isEmpty, (try? InstanceName(name)) == nil {
      table.problem(
        "name",
        "\"\(name)\" must be 1 to \(InstanceName.lengthLimit) letters, digits, - and _, and begin "
          + "with a letter")
    }
    let (function, values) = Self.function(&table, directory: directory)
    let bundle = table.requiredString("bundle", example: "/etc/medulla/aurora.medulla")
    self.init(
      name: name, function: function, values: values,
      bundle: ConfigurationPath.absolute(bundle, from: directory))
    interval = table.duration("interval", in: Self.intervals) ?? interval
    sampling = table.integer("sampling", in: 0...1_000_000) ?? sampling
    consistency = table.boolean("consistency") ?? consistency
    drainLimit = table.duration("drain_limit", in: Self.drainLimits)
    flowLimit = table.integer("flows", in: FlowTableSize.range)
    if flowLimit != nil, FunctionList.all[function]?.isDispatched != true {
      table.problem("flows", "is for functions at an interface only")
    }
    decisionLimit = table.integer("decisions", in: Self.decisionLimits)
    var inside = table.table("adapter")
    adapter = AdapterSettings(&inside, directory: directory)
    if case .text(let text)? = values["hook"], let hook = try? FunctionHook(text) {
      adapter.choose(interface: hook.interface)
    }
    inside = table.table("trigger")
    trigger = TriggerSettings(&inside)
    inside = table.table("gates")
    gates = GateSettings(&inside)
    inside = table.table("shadow")
    shadow = ShadowSettings(&inside)
    inside = table.table("watch")
    watch = WatchSettings(&inside)
    onUpdate = table.word("on_update", OnUpdate.allCases.map { ($0.rawValue, $0) }) ?? onUpdate
    table.finish()
    // Rules that a table here does not know are still reported, with the function's own line.
    do {
      try validate()
    } catch  where name.isEmpty || bundle.isEmpty {
      // Reported above.
    } catch {
      table.problem(nil, error.message)
    }
  }

  /// The function by its name, and its own keys; those of other functions say whose they are.
  private static func function(
    _ table: inout TableReader, directory: String
  ) -> (name: String, values: [String: FunctionValue]) {
    let list = FunctionList.all
    let words = list.functions.flatMap { function in
      ([function.name] + function.formerNames).map { ($0, function.name) }
    }
    let name = table.word("kind", words) ?? FunctionList.standard
    var values: [String: FunctionValue] = [:]
    for key in list[name]?.keys ?? [] { values[key.name] = value(of: key, &table, directory: directory) }
    for other in list.functions where other.name != name {
      for key in other.keys where values[key.name] == nil && table.has(key.name) {
        _ = table.string(key.name)
        table.problem(key.name, "is for kind: \(other.name) only")
      }
    }
    return (name, values)
  }

  private static func value(
    of key: FunctionKey, _ table: inout TableReader, directory: String
  ) -> FunctionValue? {
    if case .number(let range) = key.kind { return table.number(key.name, in: range).map { .number($0) } }
    let text = key.isRequired ? table.requiredString(key.name, example: key.example) : table.string(key.name)
    guard let text else { return nil }
    return .text(key.kind == .path ? ConfigurationPath.absolute(text, from: directory) : text)
  }
}

/// Paths of a configuration.
enum ConfigurationPath {
  static func absolute(_ path: String, from directory: String) -> String {
    path.isEmpty || path.hasPrefix("/") ? path : (directory == "/" ? "" : directory) + "/" + path
  }

  /// A program: a bare name is looked up on the path, anything with a slash is a file.
  static func program(_ path: String, from directory: String) -> String {
    path.contains("/") ? absolute(path, from: directory) : path
  }
}

extension GateSettings {
  init(_ table: inout TableReader) {
    self.init()
    var inside = table.table("stability")
    stability.window = inside.integer("window", in: 1...10_000) ?? stability.window
    stability.range = inside.number("range", in: 0...1e9) ?? stability.range
    inside.finish()
    inside = table.table("necessity")
    let statistics = Necessity.Statistic.allCases.map { ($0.rawValue, $0) }
    necessity.statistic = inside.word("statistic", statistics) ?? necessity.statistic
    let inputs = Necessity.Inputs.allCases.map { ($0.rawValue, $0) }
    necessity.over = inside.word("over", inputs) ?? necessity.over
    necessity.alpha = inside.number("alpha", in: 0...10) ?? necessity.alpha
    necessity.hysteresis = inside.number("hysteresis", in: 0...100) ?? necessity.hysteresis
    necessity.confirmations = inside.integer("confirmations", in: 1...1_000) ?? necessity.confirmations
    necessity.outputs = inside.ranges("outputs")
    inside.finish()
    inside = table.table("accuracy")
    accuracy.maxError = inside.number("max_error", in: 1e-9...1) ?? accuracy.maxError
    inside.finish()
    updateInterval = table.duration("update_interval", in: .zero...(.seconds(86_400))) ?? updateInterval
    table.finish()
  }
}

extension ShadowSettings {
  init(_ table: inout TableReader) {
    self.init()
    every = table.integer("every", in: 0...1_000_000) ?? every
    decisions = table.integer("decisions", in: 1...1_000_000) ?? decisions
    maxDifference = table.number("max_difference", in: 1e-9...1e9) ?? maxDifference
    limit = table.duration("limit", in: .milliseconds(100)...(.seconds(86_400))) ?? limit
    table.finish()
  }
}

extension WatchSettings {
  init(_ table: inout TableReader) {
    self.init()
    let day = Duration.zero...(.seconds(86_400))
    window = table.duration("window", in: day) ?? window
    loss = table.number("loss", in: 0...1) ?? loss
    significance = table.number("significance", in: 1e-9...0.499) ?? significance
    backOff = table.duration("back_off", in: day) ?? backOff
    backOffLimit = table.duration("back_off_limit", in: day) ?? max(backOffLimit, backOff)
    outcome = table.integer("outcome", in: 0...255)
    if backOffLimit < backOff { table.problem("back_off_limit", "must be at least back_off") }
    table.finish()
  }
}
