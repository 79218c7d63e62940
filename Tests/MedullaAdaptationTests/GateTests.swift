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
    #expect(decision.value == 0.4)
    #expect(decision.threshold == 0.1)
    #expect(decision.figures == ["low": 2, "high": 3, "mean": 2.5])
    gate.reset()
    #expect(gate.decide(3).value == nil)
  }

  @Test(
    "the necessity gate goes by the statistic that it is told",
    arguments: [(.minimum, false, 0.01), (.mean, true, 0.0595), (.p99, true, 0.06)]
      as [(GateSettings.Necessity.Statistic, Bool, Double)])
  func statistics(statistic: GateSettings.Necessity.Statistic, isOpen: Bool, value: Double) throws {
    var gate = NecessityGate(.init(statistic: statistic, alpha: 0.05))
    let decision = gate.decide([0.01] + [Double](repeating: 0.06, count: 99))
    #expect(decision.isOpen == isOpen)
    #expect(abs(try #require(decision.value) - value) < 1e-12)
    #expect(decision.figures["samples"] == 100)
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
    gate.shut()
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
    #expect(AccuracyGate(.init(maxError: 0.01)).decide(error: error).isOpen == isOpen)
  }

  @Test("rollbacks in a row double the wait up to its limit; a success ends the row")
  func spacing() {
    var spacing = UpdateSpacing(
      interval: .seconds(10), backOff: .seconds(30), backOffLimit: .seconds(100))
    #expect(spacing.decide(at: .zero).isOpen)
    spacing.noteTry(at: .zero)
    #expect(!spacing.decide(at: .seconds(9)).isOpen)
    #expect(spacing.decide(at: .seconds(10)).isOpen)
    let waits = (0..<4).map { _ in spacing.noteRollback(at: .seconds(10)).seconds }
    #expect(waits == [30, 60, 100, 100])
    #expect(spacing.wait(at: .seconds(60)) == .seconds(50))
    spacing.noteSuccess()
    #expect(spacing.noteRollback(at: .seconds(200)).seconds == 30)
  }
}
