import MedullaAdaptation
import MedullaBase
import Testing

@testable import MedullaControl

@Suite("Configuration")
struct ConfigurationTests {
  static let whole = """
    daemon:
      socket: /tmp/x.sock
      state: /tmp/state
      history: 7d
      history_limit: 64MiB
      on_stop: detach
      user: nobody
      log_level: debug

    function:
      - name: one
        bundle: one.medulla
        interval: 10ms
        sampling: 4
        consistency: false
        adapter:
          kind: simulator
          steps: 128
          seed: 7
        gates:
          stability: { window: 3, range: 0.2 }
          necessity: { statistic: p99, alpha: 0.1, hysteresis: 0.5, confirmations: 2, outputs: [[-1, 1]] }
          accuracy: { max_error: 0.02 }
          update_interval: "1m"
        shadow:
          every: 2
          decisions: 50
          max_difference: 0.25
          limit: 5s
        watch:
          window: 3s
          loss: 0.1
          significance: 0.05
          back_off: 1s
          back_off_limit: 1h

      - name: two
        kind: custom
        program: two
        hook: tc:eth0:ingress
        bundle: '/opt/two.medulla'
    """

  @Test("the daemon's own paths may go from the configuration's directory too")
  func relativeDaemonPaths() throws {
    let text = "daemon: { socket: s, state: ../t }\nfunction: [{ name: a, bundle: b }]"
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
          name: "two", function: "packet",
          values: ["program": .text("two"), "hook": .text("tc:eth0:ingress")],
          bundle: "/opt/two.medulla"))
  }

  @Test("what is left out has the documented default")
  func defaults() throws {
    let read = try Configuration(text: "function: [{ name: a, bundle: /b }]")
    #expect(read.daemon == DaemonSettings())
    #expect(read.functions == [FunctionSettings(name: "a", bundle: "/b")])
  }

  static let refused: [(text: String, at: String, says: [String])] = [
    ("", "1:1", ["function", "list a table with name and bundle"]),
    ("function: []", "1:1", ["function", "list a table"]),
    ("nonsense", "1:1", ["the string \"nonsense\"", "begin with the key daemon or function"]),
    ("- a", "1:1", ["a list is no configuration"]),
    ("daemon:\n  soket: /x\n\(f)", "2:3", ["daemon.soket", "did you mean socket?"]),
    ("demon: {}\n\(f)", "1:1", ["demon", "did you mean daemon?"]),
    ("daemon:\n\(f)", "1:8", ["daemon", "no value; leave the key out"]),
    ("\(f)\n    interval: 1us", "4:15", ["function.interval", "1us", "1ms to 10s"]),
    ("\(f)\n    interval: 100", "4:15", ["function.interval", "the integer 100", "a time with its unit"]),
    ("\(f)\n    sampling: -1", "4:15", ["function.sampling", "-1", "0 to 1000000"]),
    ("\(f)\n    sampling: all", "4:15", ["function.sampling", "\"all\"", "an integer"]),
    ("\(f)\n    consistency: 1", "4:18", ["function.consistency", "true or false"]),
    ("\(f)\n    gates: { necessity: { alpha: 11 } }", "4:34", ["function.gates.necessity.alpha", "0 to 10"]),
    ("\(f)\n    gates: { stability: { windw: 3 } }", "4:27", ["function.gates.stability.windw", "window?"]),
    ("\(f)\n    adapter: { kind: magic }", "4:22", ["function.adapter.kind", "python"]),
    ("\(f)\n    adapter:\n      kind: python", "4:5", ["function.adapter", "needs the key class"]),
    ("\(f)\n    adapter: { kind: command, argv: [] }", "4:31", ["function.adapter.argv", "a program"]),
    ("\(f)\n    adapter: simulator", "4:14", ["function.adapter", "a table"]),
    ("function:\n  - name: a", "2:5", ["function", "needs the key bundle, such as bundle: /etc"]),
    ("function: { name: a, bundle: b }", "1:1", ["function", "a list of tables"]),
    ("function: [a]", "1:12", ["function", "a list of tables"]),
    ("function:\n  - name: 1 2\n    bundle: /b", "2:11", ["function.name", "letters"]),
    ("function:\n  - name: \"\"\n    bundle: /b", "2:11", ["function.name", "must not be empty"]),
    ("\(f)\n  - name: a\n    bundle: /b", "4:11", ["function.name", "another function"]),
    ("\(f)\n    program: x", "4:14", ["function.program", "kind: packet"]),
    ("daemon:\n  state: \"\"\n\(f)", "2:10", ["daemon.state", "must name a directory"]),
    ("daemon:\n  history_limit: 5B\n\(f)", "2:18", ["daemon.history_limit", "1MiB"]),
    ("\(f)\n    drain_limit: 1ms", "4:18", ["function.drain_limit", "1s"]),
    (
      "daemon: { user: a }\n\(f)\n    adapter: { kind: command, argv: [x], user: a }", "3:5",
      ["adapter.user", "a user of its own"]
    ),
  ]
  static let f = "function:\n  - name: a\n    bundle: /b"

  /// What only YAML has.
  static let refusedYAML: [(text: String, at: String, says: [String])] = [
    ("\(f)\n    sampling: 1\n    sampling: 2", "5:5", ["function.sampling", "given twice, first at 4:5"]),
    ("daemon: {}\n\(f)\ndaemon: {}", "5:1", ["daemon", "given twice, first at 1:1"]),
    ("x: &all [1]\n\(f)", "1:4", ["x", "anchors and aliases", "write the value out"]),
    ("x: *all\n\(f)", "1:4", ["x", "anchors and aliases"]),
    ("? &k a\n: 1", "1:3", ["a key must be a word"]),
    ("<<: { a: 1 }\n\(f)", "1:1", ["<<", "quote it"]),
    ("x: !!python/object/apply:os.system [reboot]", "1:4", ["x", "tags"]),
    ("[a]: 1\n\(f)", "1:1", ["a key must be a word"]),
    (": 1\n\(f)", "1:1", ["not YAML", "a key stands before a colon"]),
    ("?\n: 1", "1:2", ["a key is missing"]),
    ("\(f)\n---\n\(f)", "4:1", ["a second document"]),
    ("\(f)\n\tsampling: 1", "4:1", ["not YAML", "indent with spaces"]),
    ("# für Öfen: ä\n\(f)\n\tsampling: 1", "5:1", ["not YAML", "indent with spaces"]),
    ("\(f)\n   sampling: 1", "4:4", ["not YAML", "did not find expected"]),
    ("\(f)\n    hook: a: b", "4:12", ["not YAML", "mapping values are not allowed", "quote"]),
    ("\(f)\n    hook: \"a", "4:13", ["not YAML", "quoted scalar of line 4"]),
    ("\(f)\n    hook: a\u{1}b", "4:12", ["not YAML", "control characters", "number 1"]),
    ("daemon: { user: é\u{7F} }", "1:18", ["not YAML", "number 127"]),
    ("x: " + String(repeating: "[", count: 40), "1:35", ["x", "nested deeper than 32"]),
    (String(repeating: "a", count: 1 << 20 + 1), "1:1", ["larger than 1048576 bytes"]),
    ("[daemon]\nsocket = \"x\"\n[[function]]", "2:1", ["not YAML", "looks like TOML"]),
    ("\(f)\n    1: 2", "4:5", ["function.1", "the integer 1 is no key", "quote it"]),
    ("daemon: { user: no }\n\(f)", "1:17", ["daemon.user", "no (a truth value", "a string; quote it"]),
    ("daemon: { user: 12 }\n\(f)", "1:17", ["the integer 12", "a string; quote it"]),
    ("daemon: { on_stop: off }\n\(f)", "1:20", ["off (a truth value", "keep, detach"]),
    ("\(f)\n    consistency: yes", "4:18", ["yes (a truth value", "true or false"]),
    ("\(f)\n    consistency: True", "4:18", ["True (a truth value", "true or false"]),
    ("\(f)\n    interval: 1:30", "4:15", ["1:30 (a number of base 60", "a time with its unit"]),
    ("\(f)\n    sampling: 010", "4:15", ["010 (an octal number", "an integer from"]),
    ("\(f)\n    sampling: 0x10", "4:15", ["0x10 (a number that is not decimal", "an integer"]),
    ("\(f)\n    sampling: 1_000", "4:15", ["1_000 (a number to some", "an integer"]),
    ("\(f)\n    sampling: 99999999999999999999", "4:15", ["too large an integer"]),
    ("\(f)\n    sampling:", "4:14", ["no value; leave the key out"]),
    ("\(f)\n    watch: { loss: .inf }", "4:20", [".inf (not a finite number", "0 to 1"]),
    ("\(f)\n    watch: { loss: 1e999 }", "4:20", ["too large a number"]),
    ("\(f)\n    hook: 2026-05-27", "4:11", ["2026-05-27 (a date", "quote it"]),
    (
      "\(f)\n    adapter: { kind: python, class: m:C, options: { a: [1, yes] } }", "4:60",
      ["function.adapter.options", "yes (a truth value", "quote it if it is meant as text"]
    ),
  ]

  @Test(
    "what is wrong is named with its place, its key and what is allowed", arguments: refused + refusedYAML)
  func refusal(text: String, at: String, says: [String]) throws {
    let (_, problems) = Configuration.read(text, directory: "/")
    let problem = try #require(problems.first { "\($0.position)" == at }, "\(problems)")
    for word in says { #expect("\(problem)".contains(word), "\(problem)") }
    let error = try #require(throws: ControlError.self) { try Configuration(text: text, file: "m.yaml") }
    #expect(error.code == .badConfiguration && error.message.contains("m.yaml:\(at): "))
  }

  @Test("all problems are told at once, in the order of their places")
  func several() {
    let text = "daemon:\n  on_stop: maybe\n\(Self.f)\n    sampling: -1\n    colour: 1"
    let (_, problems) = Configuration.read(text, directory: "/")
    #expect(problems.map(\.position.line) == [2, 6, 7])
  }

  @Test("places count characters, behind comments, quotes, blocks and signs of more than one byte")
  func places() throws {
    let text = """
      # daemon:
      a: |
        x: 1
      "ключ": [ # z
        { deep: 1 },
        { deep: "]", 'и': &x 2 },
      ]
      """
    let problem = #expect(throws: ConfigurationProblem.self) { try ConfigurationDocument(text) }
    #expect(problem?.position == TextPosition(line: 6, column: 21))
    #expect(problem?.key == "ключ.и")
  }

  @Test("a problem is one line, whatever a key or a word holds")
  func oneLine() throws {
    let (_, problems) = Configuration.read("daemon: { \"a\\nb\\e\": 1 }\n\(Self.f)", directory: "/")
    #expect(problems.map(\.key) == ["daemon.a\\nb\\u{1B}"])
  }

  @Test(
    "words that only look like numbers, times or truth values stay words",
    arguments: ["100ms", "10.0.0.1", "tc:eth0:ingress", "1.2.3", "none", "0day", "0xyz", "-", "+a", "1 2"])
  func words(text: String) {
    guard case .string(text) = PlainScalar.value(of: text) else { return #expect(Bool(false), "\(text)") }
  }

  @Test(
    "decimal numbers are numbers",
    arguments: [("0", 0), ("-1", -1), ("+7", 7), (".5", 0.5), ("1e-9", 1e-9), ("1.5E+3", 1500), ("2.", 2)])
  func numbers(text: String, number: Double) {
    let node = ConfigurationNode(value: PlainScalar.value(of: text), position: .start)
    #expect(node.number == number)
  }

  @Test("a thousand names that multiply are refused at the first one, in no time")
  func laughs() {
    var text = "a0: &a0 [x, x, x, x, x, x, x, x, x]\n"
    for level in 1...1_000 {
      let inside = Array(repeating: "*a\(level - 1)", count: 9).joined(separator: ", ")
      text += "a\(level): &a\(level) [\(inside)]\n"
    }
    let (configuration, problems) = Configuration.read(text + "? *a1000\n: 1", directory: "/")
    #expect(configuration == nil && problems.map(\.position) == [TextPosition(line: 1, column: 5)])
  }

  @Test(
    "durations are read and written in the units that people use",
    arguments: [
      ("100ms", Duration.milliseconds(100)), ("1.5s", .milliseconds(1_500)), ("30d", .seconds(30 * 86_400)),
      ("0s", .zero), ("2 h", .seconds(7_200)),
    ])
  func durations(text: String, duration: Duration) throws {
    #expect(try Quantity.duration(text) == duration)
    #expect(try Quantity.duration(DurationText.text(duration)) == duration)
  }

  @Test("what is no duration is refused", arguments: ["", "5", "ms", "-1s", "1e9d", "1 fortnight", "1.2.3s"])
  func noDurations(text: String) {
    #expect((try? Quantity.duration(text)) == nil)
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
