import MedullaAdaptation
import Testing

@testable import MedullaControl

@Suite("Configuration")
struct ConfigurationTests {
  static let whole = """
    [daemon]
    socket = "/tmp/x.sock"
    state = "/tmp/state"
    history = "7d"
    history_limit = "64MiB"
    on_stop = "detach"
    user = "nobody"
    log_level = "debug"

    [[function]]
    name = "one"
    bundle = "one.medulla"
    interval = "10ms"
    sampling = 4
    consistency = false
    [function.adapter]
    kind = "simulator"
    steps = 128
    seed = 7
    [function.gates]
    stability = { window = 3, range = 0.2 }
    necessity = { statistic = "p99", alpha = 0.1, hysteresis = 0.5, confirmations = 2, outputs = [[-1, 1]] }
    accuracy = { max_error = 0.02 }
    update_interval = "1m"
    [function.shadow]
    every = 2
    decisions = 50
    max_difference = 0.25
    limit = "5s"
    [function.watch]
    window = "3s"
    loss = 0.1
    significance = 0.05
    back_off = "1s"
    back_off_limit = "1h"

    [[function]]
    name = "two"
    kind = "custom"
    program = "/opt/two.bpf.c"
    hook = "tc:eth0:ingress"
    bundle = "/opt/two.medulla"
    """

  @Test("the daemon's own paths may go from the configuration's directory too")
  func relativeDaemonPaths() throws {
    let text = "[daemon]\nsocket = \"s\"\nstate = \"../t\"\n[[function]]\nname = \"a\"\nbundle = \"b\""
    let daemon = try Configuration(text: text, directory: "/etc/medulla").daemon
    #expect(daemon.socket == "/etc/medulla/s")
    #expect(daemon.state == "/etc/medulla/../t")
  }

  @Test("every key arrives where it belongs, and relative paths go from the configuration's directory")
  func whole() throws {
    let read = try Configuration(text: Self.whole, directory: "/etc/medulla")
    var daemon = DaemonSettings()
    daemon.socket = "/tmp/x.sock"
    daemon.state = "/tmp/state"
    daemon.history = .seconds(7 * 86_400)
    daemon.historyLimit = 64 << 20
    daemon.onStop = .detach
    daemon.user = "nobody"
    daemon.logLevel = .debug
    #expect(read.daemon == daemon)
    let one = FunctionSettings(
      name: "one", bundle: "/etc/medulla/one.medulla", interval: .milliseconds(10), sampling: 4,
      consistency: false, adapter: .simulator(.init(steps: 128, seed: 7)),
      gates: GateSettings(
        stability: .init(window: 3, range: 0.2),
        necessity: .init(
          statistic: .p99, alpha: 0.1, hysteresis: 0.5, confirmations: 2, outputs: [-1...1]),
        accuracy: .init(maxError: 0.02), updateInterval: .seconds(60)),
      shadow: ShadowSettings(every: 2, decisions: 50, maxDifference: 0.25, limit: .seconds(5)),
      watch: WatchSettings(
        window: .seconds(3), loss: 0.1, significance: 0.05, backOff: .seconds(1),
        backOffLimit: .seconds(3_600)))
    #expect(read.functions.first == one)
    #expect(
      read.functions.last
        == FunctionSettings(
          name: "two", kind: .custom(program: "/opt/two.bpf.c", hook: "tc:eth0:ingress"),
          bundle: "/opt/two.medulla"))
  }

  @Test("what is left out has the documented default")
  func defaults() throws {
    let read = try Configuration(text: "[[function]]\nname = \"a\"\nbundle = \"/b\"")
    #expect(read.daemon == DaemonSettings())
    #expect(read.functions == [FunctionSettings(name: "a", bundle: "/b")])
  }

  static let refused: [(text: String, line: Int, says: [String])] = [
    ("", 1, ["has no [[function]]"]),
    ("nonsense", 1, ["not TOML"]),
    ("a = 1\n[=x]", 2, ["table header without a key"]),
    ("[daemon]\nsoket = \"/x\"\n\(f)", 2, ["daemon.soket", "did you mean socket?"]),
    ("[demon]\n\(f)", 1, ["demon", "did you mean daemon?"]),
    ("\(f)\ninterval = \"1us\"", 4, ["function.interval", "1us", "\"1ms\" to \"10s\""]),
    ("\(f)\ninterval = 100", 4, ["function.interval", "100", "a time"]),
    ("\(f)\nsampling = -1", 4, ["function.sampling", "-1", "0 to 1000000"]),
    ("\(f)\nsampling = \"all\"", 4, ["function.sampling", "\"all\"", "an integer"]),
    ("\(f)\nconsistency = 1", 4, ["function.consistency", "true or false"]),
    ("\(f)\n[function.gates]\nnecessity = { alpha = 11 }", 5, ["function.gates.necessity.alpha", "0 to 10"]),
    (
      "\(f)\n[function.gates]\nstability = { windw = 3 }", 5,
      ["function.gates.stability.windw", "did you mean window?"]
    ),
    ("\(f)\n[function.adapter]\nkind = \"magic\"", 5, ["function.adapter.kind", "\"python\""]),
    ("\(f)\n[function.adapter]\nkind = \"python\"", 4, ["function.adapter", "needs the key class"]),
    ("\(f)\n[function.adapter]\nkind = \"command\"\nargv = []", 6, ["function.adapter.argv"]),
    ("[[function]]\nname = \"a\"", 1, ["needs the key bundle"]),
    ("[[function]]\nname = \"1 2\"\nbundle = \"/b\"", 2, ["function.name", "letters"]),
    ("[[function]]\nname = \"\"\nbundle = \"/b\"", 2, ["function.name", "must not be empty"]),
    ("\(f)\n\(f)", 5, ["function.name", "another function"]),
    ("\(f)\nprogram = \"x\"", 4, ["function.program", "kind = \"custom\""]),
    ("[daemon]\nstate = \"\"\n\(f)", 2, ["daemon.state", "must name a directory"]),
    ("[daemon]\nhistory_limit = \"5\"\n\(f)", 2, ["daemon.history_limit", "MiB"]),
    ("\(f)\ndrain_limit = \"1ms\"", 4, ["function.drain_limit", "1s"]),
    (
      "[daemon]\nuser = \"a\"\n\(f)\n[function.adapter]\nkind = \"command\"\nargv = [\"x\"]\nuser = \"b\"", 3,
      ["adapter.user", "another user"]
    ),
    ("function = 3", 1, ["function", "[[function]]"]),
  ]
  static let f = "[[function]]\nname = \"a\"\nbundle = \"/b\""

  @Test("what is wrong is named with its line, its key and what is allowed", arguments: refused)
  func refusal(text: String, line: Int, says: [String]) throws {
    let (_, problems) = Configuration.read(text, directory: "/")
    let problem = try #require(problems.first { $0.line == line }, "\(problems)")
    for word in says { #expect("\(problem)".contains(word), "\(problem)") }
    #expect(throws: ControlError.self) { try Configuration(text: text) }
  }

  @Test("all problems are told at once, in the order of their lines")
  func several() {
    let text =
      "[daemon]\non_stop = \"maybe\"\n[[function]]\nname = \"a\"\nbundle = \"/b\"\nsampling = -1\ncolour = 1"
    let (_, problems) = Configuration.read(text, directory: "/")
    #expect(problems.map(\.line) == [2, 6, 7])
  }

  @Test("a key's line is found behind strings, comments, arrays and dotted keys that look like others")
  func lines() {
    let text = """
      # [daemon]
      a.b = '''
      x = 1
      ''' # y = 2
      list = [ # z
        { deep = 1 },
        { deep = "]" },
      ]
      [t."quoted key"]
      k = "a \\" # no"
      [[rows]]
      id = 1
      [[rows]]
      id = 2
      [rows.inside]
      v = 3
      """
    let lines = KeyLines(text)
    #expect(lines.line(of: ["a", "b"]) == 2)
    #expect(lines.lines[["x"]] == nil)
    #expect(lines.line(of: ["list", "1", "deep"]) == 7)
    #expect(lines.line(of: ["t", "quoted key", "k"]) == 10)
    #expect(lines.line(of: ["rows", "1", "id"]) == 14)
    #expect(lines.line(of: ["rows", "1", "inside", "v"]) == 16)
  }

  @Test(
    "durations are read and written in the units that people use",
    arguments: [
      ("100ms", Duration.milliseconds(100)), ("1.5s", .milliseconds(1_500)), ("30d", .seconds(30 * 86_400)),
      ("0s", .zero), ("2 h", .seconds(7_200)),
    ])
  func durations(text: String, duration: Duration) {
    #expect(DurationText.parse(text) == duration)
    #expect(DurationText.parse(DurationText.text(duration)) == duration)
  }

  @Test("what is no duration is refused", arguments: ["", "5", "ms", "-1s", "1e9d", "1 fortnight", "1.2.3s"])
  func noDurations(text: String) {
    #expect(DurationText.parse(text) == nil)
  }

  @Test("a reload starts what is new or changed, stops what is gone, and holds what only a start reads")
  func reload() throws {
    let old = try Configuration(text: Self.whole)
    var new = old
    new.functions[0].sampling = 9
    new.functions[1].name = "three"
    new.daemon.socket = "/elsewhere"
    new.daemon.onStop = .keep
    let plan = ReloadPlan(from: old, to: new)
    #expect(plan.started.map(\.name) == ["one", "three"])
    #expect(plan.changed == ["one"])
    #expect(plan.stopped == ["two"])
    #expect(plan.needRestart == ["socket"])
    #expect(plan.applied.daemon.socket == old.daemon.socket)
    #expect(plan.applied.daemon.onStop == .keep)
  }
}
