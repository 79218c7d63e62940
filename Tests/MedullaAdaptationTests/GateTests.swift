import Foundation
import Testing

@testable import MedullaAdaptation

@Suite("Gates")
struct GateTests {
  struct StabilityCase: Sendable {
    let values: [Double]
    /// Whether the gate is open after each value.
    let open: [Bool]
  }

  @Test(
    "the stability gate opens when the last values lie close together",
    arguments: [
      .init(values: [1, 1, 1], open: [false, false, true]),
      .init(values: [1, 1.05, 1.09, 1.09], open: [false, false, true, true]),
      .init(values: [1, 1.05, 1.2, 1.2, 1.2], open: [false, false, false, false, true]),
      .init(values: [-2, -2.1, -2], open: [false, false, true]),
      .init(values: [0, 0, 0], open: [false, false, true]),
      .init(values: [1, -1, 1], open: [false, false, false]),
      .init(values: [1, 1, .nan, 1, 1, 1], open: [false, false, false, false, false, true]),
    ] as [StabilityCase])
  func stability(_ item: StabilityCase) {
    var gate = StabilityGate(.init(window: 3, range: 0.1))
    #expect(item.values.map { gate.decide($0).isOpen } == item.open)
  }

  @Test("a stability decision has the window's numbers, and a reset forgets them")
  func stabilityFigures() {
    var gate = StabilityGate(.init(window: 2, range: 0.1))
    _ = gate.decide(2)
    let decision = gate.decide(3)
    #expect(decision.evidence.value == 0.4)
    #expect(decision.evidence.threshold == 0.1)
    #expect(decision.evidence.figures == ["low": 2, "high": 3, "mean": 2.5])
    gate.hear(.replaced)
    #expect(gate.decide(3).evidence.value == nil)
  }

  @Test("a range that is exactly the limit has settled; around 0 the values' size stands in for the mean")
  func stabilityLimits() {
    var gate = StabilityGate(.init(window: 2, range: 0.1))
    _ = gate.decide(19)
    #expect(gate.decide(21).isOpen)
    gate = StabilityGate(.init(window: 2, range: 0.1))
    _ = gate.decide(-1)
    #expect(gate.decide(1).evidence.value == 4)
    _ = gate.decide(-3)
    #expect(gate.decide(-3).evidence.value == 0)
  }

  @Test(
    "the necessity gate goes by the statistic that it is told",
    arguments: [(.minimum, false, 0.01), (.mean, true, 0.0595), (.p99, true, 0.06)]
      as [(GateSettings.Necessity.Statistic, Bool, Double)])
  func statistics(statistic: GateSettings.Necessity.Statistic, isOpen: Bool, value: Double) throws {
    var gate = NecessityGate(.init(statistic: statistic, alpha: 0.05))
    let decision = gate.decide([0.01] + [Double](repeating: 0.06, count: 99))
    #expect(decision.isOpen == isOpen)
    #expect(abs(try #require(decision.evidence.value) - value) < 1e-12)
    #expect(decision.evidence.figures["samples"] == 100)
  }

  @Test(
    "the 99th percentile is the smallest loss that 99 of 100 are not above",
    arguments: [(1, 1), (2, 2), (99, 99), (100, 99), (101, 100), (200, 198), (1_000, 990)])
  func percentile(count: Int, rank: Int) {
    var gate = NecessityGate(.init(statistic: .p99, alpha: 0.05))
    #expect(gate.decide((1...count).map(Double.init).shuffled()).evidence.value == Double(rank))
  }

  @Test("a gate that was shut opens only above its threshold with the hysteresis")
  func hysteresis() {
    var gate = NecessityGate(.init(alpha: 0.05, hysteresis: 0.2))
    #expect(gate.decide([0.055]).isOpen)
    #expect(!gate.decide([0.04]).isOpen)
    #expect(!gate.decide([0.055]).isOpen)
    #expect(!gate.decide([0.06]).isOpen)
    #expect(gate.decide([0.0601]).isOpen)
    #expect(gate.decide([0.055]).isOpen)
    gate.hear(.promoted)
    #expect(!gate.decide([0.055]).isOpen)
  }

  @Test("confirmations count batches in a row")
  func confirmations() {
    var gate = NecessityGate(.init(alpha: 0.05, confirmations: 3))
    let open = [0.1, 0.1, 0.01, 0.1, 0.1, 0.1, 0.1].map { gate.decide([$0]).isOpen }
    #expect(open == [false, false, false, false, false, true, true])
    #expect(!gate.decide([]).isOpen)
  }

  @Test("the fidelity loss of a vector is its largest, each output by its own range")
  func fidelity() throws {
    let losses = try FidelityLoss.relative(
      kernel: [[0, 100], [1, 100]], tuned: [[0.1, 100], [1, 150]], ranges: [0...1, 0...1000])
    #expect(abs(losses[0] - 0.1) < 1e-6)
    #expect(abs(losses[1] - 0.05) < 1e-6)
  }

  @Test("answers of wrong sizes or without meaning have no fidelity loss")
  func refusals() {
    let ranges = [0.0...1]
    #expect(throws: AdaptationError.self) {
      try FidelityLoss.relative(kernel: [[0]], tuned: [], ranges: ranges)
    }
    #expect(throws: AdaptationError.self) {
      try FidelityLoss.relative(kernel: [[0]], tuned: [[0, 1]], ranges: ranges)
    }
    #expect(throws: AdaptationError.self) {
      try FidelityLoss.relative(kernel: [[0]], tuned: [[.nan]], ranges: ranges)
    }
  }

  @Test(
    "the accuracy gate is open up to its limit", arguments: [(0.01, true), (0.011, false), (.nan, false)])
  func accuracy(error: Double, isOpen: Bool) {
    #expect(AccuracyGate(.init(maxError: 0.01)).decide(error: error, samples: 1).isOpen == isOpen)
  }

  @Test("the time gate says whether it waits for the last update or for rewards")
  func timeReasons() {
    var spacing = UpdateSpacing(interval: .seconds(10), backOff: .zero, backOffLimit: .zero)
    spacing.noteTry(at: .zero)
    let early = TimeGate.decide(spacing, at: .seconds(9))
    #expect(early.evidence.value == 1 && early.evidence.reason.contains("too short"))
    let late = TimeGate.decide(spacing, at: .seconds(10))
    #expect(late.isOpen && late.evidence.reason.contains("may be tried"))
    let blind = TimeGate.decide(spacing, at: .seconds(10), hasBaseline: false)
    #expect(!blind.isOpen && blind.evidence.reason.contains("too few rewards"))
  }

  @Test("rollbacks in a row double the wait up to its limit; a success ends the row")
  func spacing() {
    var spacing = UpdateSpacing(
      interval: .seconds(10), backOff: .seconds(30), backOffLimit: .seconds(100))
    #expect(TimeGate.decide(spacing, at: .zero).isOpen)
    spacing.noteTry(at: .zero)
    #expect(!TimeGate.decide(spacing, at: .seconds(9)).isOpen)
    #expect(TimeGate.decide(spacing, at: .seconds(10)).isOpen)
    let waits = (0..<4).map { _ in spacing.noteRollback(at: .seconds(10)).seconds }
    #expect(waits == [30, 60, 100, 100])
    #expect(spacing.wait(at: .seconds(60)) == .seconds(50))
    spacing.noteSuccess()
    #expect(spacing.noteRollback(at: .seconds(200)).seconds == 30)
  }

  /// A gate that no setting names.
  private struct Labels: Gate {
    let name = GateName(rawValue: "labels")

    mutating func answer(_ question: GateQuestion, at now: Duration) -> GateDecision? {
      guard case .candidate(let candidate) = question else { return nil }
      return GateDecision(
        name, isOpen: candidate.samples > 500,
        Evidence(
          value: Double(candidate.samples), threshold: 500, unit: .samples, count: candidate.samples,
          reason: "too few labels"))
    }
  }

  @Test("a gate that joins the list is asked its question, can shut, and is recorded with the others")
  func joins() {
    let settings = AdaptationLoopTests.settings()
    let gates = GateList([StabilityGate(settings.gates.stability), Labels(), TimeGate()])
    var loop = AdaptationLoop(settings: settings, unit: nil, gates: gates)
    for event in [
      AdaptationLoopTests.learned(1), AdaptationLoopTests.learned(1), .compared([]),
    ] as [LoopEvent] { AdaptationLoopTests.orders(&loop, event) }
    #expect(loop.phase.name == .quantizing, "nobody was there to ask for a fidelity loss")
    let records = AdaptationLoopTests.records(
      loop.handle(AdaptationLoopTests.candidate, at: .zero))
    guard case .gates(let said)? = records.last else {
      Issue.record("\(records)")
      return
    }
    #expect(said.map(\.gate.rawValue) == ["stability", "time", "labels"])
    #expect(said.map(\.isOpen) == [true, true, false])
    #expect(
      loop.phase == .learning && loop.gates.decisions.map(\.gate.rawValue) == ["stability", "labels", "time"])
  }

  @Test("a decision's JSON has its evidence beside it; one of before units and counts were told is read too")
  func json() throws {
    let decision = GateDecision(
      .accuracy, isOpen: true,
      Evidence(value: 0.5, threshold: 1, unit: .partOfOutputRange, count: 7, reason: "r", figures: ["a": 2]))
    let encoder = JSONEncoder()
    encoder.outputFormatting = .sortedKeys
    let text = String(decoding: try encoder.encode(decision), as: UTF8.self)
    #expect(
      text == """
        {"figures":{"a":2},"gate":"accuracy","n":7,"open":true,"reason":"r","threshold":1,\
        "unit":"part_of_output_range","value":0.5}
        """)
    let old = Data(#"{"gate":"time","open":false,"threshold":0,"reason":"r","figures":{}}"#.utf8)
    let read = try JSONDecoder().decode(GateDecision.self, from: old)
    #expect(read.gate == .time && read.evidence.value == nil && read.evidence.unit == nil)
  }
}
