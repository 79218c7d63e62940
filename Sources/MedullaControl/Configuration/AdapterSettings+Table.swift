import MedullaAdaptation
import MedullaLearning

extension AdapterSettings {
  /// Reads a `adapter` table of a function; without one nobody learns.
  init(_ table: inout TableReader, directory: String) {
    let kinds = ["none", "simulator", "supervised", "python", "command", "labels"].map { ($0, $0) }
    let kind = table.word("kind", kinds)
    switch kind {
    case "simulator": self = .simulator(Simulator(&table))
    case "supervised": self = .supervised(Supervised(&table))
    case "python": self = .python(Python(&table, directory: directory))
    case "command": self = .command(Command(&table, directory: directory))
    case "labels": self = .labels(LabelSettings(&table, directory: directory))
    default: self = .none
    }
    // A kind that is wrong is reported; which keys it would have had nobody knows.
    if kind != nil || !table.has("kind") { table.finish() }
  }
}

extension AdapterSettings.Simulator {
  fileprivate init(_ table: inout TableReader) {
    self.init()
    steps = table.integer("steps", in: 64...1_000_000) ?? steps
    seed = table.integer("seed", in: 0...Int.max).map(UInt64.init) ?? seed
  }
}

extension AdapterSettings.Supervised {
  fileprivate init(_ table: inout TableReader) {
    self.init()
    loss = table.word("loss", [("squared", .squaredError), ("cross-entropy", .crossEntropy)]) ?? loss
    target = table.integer("target", in: 0...255) ?? target
    targetScale = table.number("target_scale", in: 1e-12...1e12) ?? targetScale
    output = table.integer("output", in: 0...255)
    rate = table.number("rate", in: 1e-9...1) ?? rate
    replay = table.integer("replay", in: 1...1_000_000) ?? replay
    minibatch = table.integer("minibatch", in: 1...65_536) ?? minibatch
    steps = table.integer("steps", in: 1...100_000) ?? steps
    seed = table.integer("seed", in: 0...Int.max).map(UInt64.init) ?? seed
  }
}

extension AdapterSettings.Python {
  init(_ table: inout TableReader, directory: String) {
    self.init(className: table.requiredString("class", example: "mypackage.adapters:Mine"))
    let parts = className.split(separator: ":", omittingEmptySubsequences: false)
    if !className.isEmpty, parts.count != 2 || parts.contains("") {
      table.problem("class", "\"\(className)\" must be \"package.module:Class\"")
    }
    if let interpreter = table.string("python") {
      if interpreter.isEmpty { table.problem("python", "must name an interpreter") }
      python = ConfigurationPath.program(interpreter, from: directory)
    }
    deadline = table.duration("deadline", in: AdapterSettings.deadlines) ?? deadline
    options = table.options("options")
    isolation = ProcessIsolation(&table, directory: directory)
  }
}

extension AdapterSettings.Command {
  init(_ table: inout TableReader, directory: String) {
    if !table.has("argv") { table.problem(nil, "needs the key argv, such as argv: [/usr/bin/learner]") }
    self.init(arguments: table.strings("argv") ?? [])
    if let first = arguments.first {
      arguments[0] = ConfigurationPath.program(first, from: directory)
    }
    if table.has("argv"), arguments.first?.isEmpty ?? true {
      table.problem("argv", "must begin with a program")
    }
    deadline = table.duration("deadline", in: AdapterSettings.deadlines) ?? deadline
    options = table.options("options")
    isolation = ProcessIsolation(&table, directory: directory)
  }
}

extension ProcessIsolation {
  init(_ table: inout TableReader, directory: String) {
    self.init()
    level = table.word("isolation", Level.allCases.map { ($0.rawValue, $0) }) ?? level
    user = table.string("user")
    reads = (table.strings("reads") ?? []).map { ConfigurationPath.absolute($0, from: directory) }
    memory = table.bytes("memory", in: Self.memoryRange) ?? memory
    tasks = table.integer("tasks", in: Self.taskRange) ?? tasks
  }
}
