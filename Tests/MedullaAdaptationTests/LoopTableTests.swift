import MedullaDatapath
import Testing

@testable import MedullaAdaptation

@Suite("The adaptation loop's table of phases and events")
struct LoopTableTests {
  /// A loop in each phase, with version 4 active and 5 on its way, at second 100.
  private static func loop(in phase: RunnerState.Phase) -> AdaptationLoop {
    var loop = AdaptationLoop(settings: AdaptationLoopTests.settings(), gates: GateList([Open()]))
    let rewards = (80...100).map { RewardSample(version: 4, unit: 1, reward: 0.9, time: .seconds($0)) }
    _ = loop.handle(.drained(rewards: rewards, shadowDifferences: []), at: .seconds(100))
    loop.activeVersion = 4
    loop.phase =
      switch phase {
      case .learning: .learning
      case .comparing: .comparing(said: [])
      case .quantizing: .quantizing(said: [], isForced: false)
      case .staging: .staging(LoopCases.candidate(), isForced: false)
      case .shadowing: .shadowing(version: 5, ShadowTally(start: .seconds(100)), isForced: false)
      case .promoting: .promoting(version: 5, isForced: false)
      case .watching: .watching(version: 5)
      case .rollingBack: .rollingBack(.init(candidate: 5, isAutomatic: true, failures: 1))
      }
    if phase == .watching { loop.watch.begin(version: 5, at: .seconds(100)) }
    return loop
  }

  /// Open to whatever it is asked.
  private struct Open: Gate {
    let name = GateName.stability
    mutating func answer(_ question: GateQuestion, at now: Duration) -> GateDecision? {
      GateDecision(
        name, isOpen: true, Evidence(value: 1, threshold: 1, unit: .given, count: 1, reason: "always"))
    }
  }

  struct Event: Sendable, CustomTestStringConvertible {
    let testDescription: String
    let event: LoopEvent
    /// For each phase, in the order of `RunnerState.Phase.allCases`, what it orders and where it leads; "" is
    /// nothing at all, "=" a record.
    let row: [String]
  }

  private static func failure(_ step: LoopFailure.Step) -> LoopEvent {
    .failed(LoopFailure(step: step, message: "m"))
  }

  private static func failed(_ step: LoopFailure.Step, _ row: [String]) -> Event {
    Event(testDescription: "\(step.rawValue) failed", event: failure(step), row: row)
  }

  private static func event(_ name: String, _ event: LoopEvent, _ row: [String]) -> Event {
    Event(testDescription: name, event: event, row: row)
  }

  // learning, comparing, quantizing, staging, shadowing, promoting, watching, rolling_back
  static let table: [Event] = [
    event(
      "drained", .drained(rewards: [], shadowDifferences: [0]),
      ["", "", "", "", "", "", "", "rollback"]),
    event(
      "learned", AdaptationLoopTests.learned(1),
      ["= = compare ▶ comparing", "=", "=", "=", "=", "=", "=", "="]),
    event(
      "trained", .trained(AdaptationLoopTests.progress(1)),
      ["= quantize ▶ quantizing", "=", "=", "=", "=", "=", "=", "="]),
    event("compared", .compared([1]), ["", "= quantize ▶ quantizing", "", "", "", "", "", ""]),
    event(
      "quantized", AdaptationLoopTests.candidate, ["", "", "= stage ▶ staging", "", "", "", "", ""]),
    event(
      "staged", .staged(version: 5),
      ["discard", "discard", "discard", "keep = promote ▶ promoting", "", "", "", ""]),
    event("promoted", .promoted(seconds: 0), ["", "", "", "", "", "= ▶ watching", "", ""]),
    event("discarded", .discarded, ["", "", "", "", "", "", "", ""]),
    event("rolled back", .rolledBack(to: 4), ["", "", "", "", "", "", "", "= ▶ learning"]),
    event(
      "found", .found(ActiveChange(version: 4, before: 3, nanoseconds: 99_000_000_000)),
      ["", "", "", "", "", "", "", ""]),
    event("still active", .active(version: 4), ["", "", "", "", "", "", "", ""]),
    event(
      "another active", .active(version: 9),
      [
        "=", "= ▶ learning", "= ▶ learning", "= ▶ learning", "discard = ▶ learning", "", "= = ▶ learning",
        "= ▶ learning",
      ]),
    event(
      "an older one active", .active(version: 2),
      [
        "=", "= ▶ learning", "= ▶ learning", "= ▶ learning", "discard = ▶ learning", "", "= = ▶ learning",
        "= ▶ learning",
      ]),
    event(
      "attached anew", .attachedAnew,
      [
        "", "▶ learning", "▶ learning", "▶ learning", "▶ learning", "▶ learning", "= ▶ learning",
        "▶ learning",
      ]),
    failed(.drain, ["=", "=", "=", "=", "=", "=", "=", "="]),
    failed(.adapt, ["=", "=", "=", "=", "=", "=", "=", "="]),
    failed(.query, ["=", "= ▶ learning", "=", "=", "=", "=", "=", "="]),
    failed(.evaluate, ["=", "= ▶ learning", "=", "=", "=", "=", "=", "="]),
    failed(.freeze, ["=", "=", "= ▶ learning", "=", "=", "=", "=", "="]),
    failed(.quantize, ["=", "=", "= ▶ learning", "=", "=", "=", "=", "="]),
    failed(.stage, ["=", "=", "=", "= ▶ learning", "=", "=", "=", "="]),
    failed(.shadow, ["=", "=", "=", "= ▶ learning", "=", "=", "=", "="]),
    failed(.promote, ["=", "=", "=", "=", "=", "= discard ▶ learning", "=", "="]),
    failed(.discard, ["=", "=", "=", "=", "=", "=", "=", "="]),
    failed(.rollback, ["=", "=", "=", "=", "=", "=", "=", "="]),
    event(
      "told to pause", .command(.pause),
      ["=", "= ▶ learning", "= ▶ learning", "= ▶ learning", "= discard ▶ learning", "=", "=", "="]),
    event("told to resume", .command(.resume), ["=", "=", "=", "=", "=", "=", "=", "="]),
    event(
      "told to promote", .command(.promote),
      [
        "= quantize ▶ quantizing", "= quantize ▶ quantizing", "= =", "= =", "= promote ▶ promoting", "= =",
        "= =", "= =",
      ]),
    event(
      "told to roll back", .command(.rollback),
      [
        "= rollback ▶ rolling_back", "= rollback ▶ rolling_back", "= =", "= =", "= discard ▶ learning", "= =",
        "= rollback ▶ rolling_back", "= =",
      ]),
  ]

  @Test("each event does in each phase what the table says, and nothing else", arguments: table)
  func everyPair(_ item: Event) {
    #expect(item.row.count == RunnerState.Phase.allCases.count)
    for (phase, cell) in zip(RunnerState.Phase.allCases, item.row) {
      var loop = Self.loop(in: phase)
      let before = loop.phase
      let actions = loop.handle(item.event, at: .seconds(100))
      var words = actions.map(Self.word)
      if loop.phase.name != before.name { words.append("▶ \(loop.phase.name.rawValue)") }
      #expect(words.joined(separator: " ") == cell, "\(item.testDescription) while \(phase.rawValue)")
    }
  }

  @Test("every kind of event has its row, failures by their step and commands by their word")
  func whole() {
    let steps = Self.table.compactMap {
      if case .failed(let failure) = $0.event { failure.step } else { nil }
    }
    let commands = Self.table.compactMap { if case .command(let command) = $0.event { command } else { nil } }
    #expect(Set(steps) == Set(LoopFailure.Step.allCases))
    #expect(Set(commands) == Set(RunnerCommand.allCases))
    // The kinds that are neither: a new one has to be counted here, and to have its row.
    func kind(_ event: LoopEvent) -> Int {
      switch event {
      case .drained: 0
      case .learned: 1
      case .compared: 2
      case .quantized: 3
      case .staged: 4
      case .promoted: 5
      case .discarded: 6
      case .rolledBack: 7
      case .found: 8
      case .active: 9
      case .attachedAnew: 10
      case .failed: 11
      case .command: 12
      case .trained: 13
      }
    }
    #expect(Set(Self.table.map { kind($0.event) }) == Set(0...13))
  }

  private static func word(_ action: LoopAction) -> String {
    switch action {
    case .compare: "compare"
    case .quantize: "quantize"
    case .stage: "stage"
    case .promote: "promote"
    case .discard: "discard"
    case .rollback: "rollback"
    case .keep: "keep"
    case .record: "="
    }
  }
}
