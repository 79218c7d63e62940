import MedullaBase
import MedullaLearning
import Testing

@testable import MedullaRetraining

@Suite("Accuracy is followed from few labels")
struct AccuracyProxyTests {
  @Test("a window without information has no reading")
  func information() {
    var window = AccuracyWindow(classes: 2)
    #expect(AccuracyProxy().reading(window) == nil)
    for _ in 0..<20 { window.add(.init(prediction: 0, label: 0)) }
    #expect(AccuracyProxy().reading(window) == nil)
    window.add(.init(prediction: 0, label: 5))
    #expect(window.count == 20)
    window.add(.init(prediction: 1, label: 1))
    #expect(AccuracyProxy().reading(window) != nil)
    var noise = AccuracyWindow(classes: 2)
    for place in 0..<40 { noise.add(.init(prediction: 0, label: place % 2, labelError: 0.5)) }
    #expect(AccuracyProxy().reading(noise) == nil)
  }

  @Test("few labels that all agree leave an interval that is wide")
  func few() throws {
    var window = AccuracyWindow(classes: 2)
    for place in 0..<10 { window.add(.init(prediction: place % 2, label: place % 2)) }
    let reading = try #require(AccuracyProxy().reading(window))
    #expect(reading.value == 1)
    #expect(reading.low < 0.8 && reading.low > 0.5)
  }

  @Test("the interval has the truth in about 95 of 100 windows", arguments: [0.0, 0.15])
  func coverage(noise: Double) {
    var generator = SeededGenerator(seed: 11)
    var inside = 0
    let windows = 400
    for _ in 0..<windows {
      var window = AccuracyWindow(classes: 2)
      for _ in 0..<80 {
        let own = generator.chance(0.5) ? 1 : 0
        let said = generator.chance(0.85) ? own : 1 - own
        // Flows that the network says 1 of are asked about four times as often.
        let inclusion = said == 1 ? 1.0 : 0.25
        guard generator.chance(inclusion) else { continue }
        let label = generator.chance(noise) ? 1 - own : own
        window.add(.init(prediction: said, label: label, inclusion: inclusion, labelError: noise))
      }
      if let reading = AccuracyProxy(.accuracy).reading(window), reading.low <= 0.85, reading.high >= 0.85 {
        inside += 1
      }
    }
    #expect(inside >= windows * 90 / 100, "seed 11: \(inside) of \(windows)")
  }
}

@Suite("Inputs that move")
struct InputDriftTests {
  private func rows(_ count: Int, mean: Double, _ generator: inout SeededGenerator) -> [[Float]] {
    (0..<count).map { _ in [Float(generator.normal() + mean), Float(generator.normal())] }
  }

  @Test("a feature that moved is named, and one that did not is not drift")
  func moved() throws {
    var generator = SeededGenerator(seed: 2)
    let drift = InputDrift(rows(200, mean: 0, &generator))
    let still = try #require(drift.reading(rows(100, mean: 0, &generator)))
    #expect(!still.isDrift)
    let moved = try #require(drift.reading(rows(100, mean: 2, &generator)))
    #expect(moved.isDrift)
    #expect(moved.feature == 0)
    #expect(moved.stability[0] > 0.25 && moved.stability[1] < moved.stability[0])
  }

  @Test("a constant feature that begins to move is drift; too few rows are no reading")
  func constant() throws {
    let drift = InputDrift(Array(repeating: [1], count: 50))
    let reading = try #require(drift.reading(Array(repeating: [0.5], count: 50)))
    #expect(reading.distance == 1)
    #expect(drift.reading([[1]]) == nil)
  }
}

@Suite("When a network is trained anew")
struct RetrainTriggerTests {
  private func evidence(_ wrong: Int, of count: Int, classes: Int = 2, drift: Bool = false) -> WindowEvidence
  {
    WindowEvidence(
      drift: drift
        ? DriftReading(distances: [0.9], stability: [1], limit: 0.3, rows: (100, 100)) : nil,
      disagreements: (0..<count).map { $0 < wrong }, labelledClasses: classes)
  }

  @Test("a window without labels or of one class never trains, and its drift waits for one that has them")
  func information() {
    var trigger = RetrainTrigger()
    #expect(trigger.take(evidence(0, of: 0, classes: 0, drift: true)) == .wait)
    #expect(trigger.take(evidence(100, of: 100, classes: 1)) == .wait)
    #expect(trigger.take(evidence(0, of: 100)) != .wait)
  }

  @Test("disagreement adds up until the alarm; what is allowed never does")
  func disagreement() {
    var trigger = RetrainTrigger()
    for _ in 0..<50 { #expect(trigger.take(evidence(20, of: 100)) == .wait) }
    var other = RetrainTrigger()
    #expect(other.take(evidence(60, of: 100)) != .wait)
  }

  @Test("labels that are known to err do not alarm by their own errors, and lead to no follow-up")
  func noisy() {
    func noisy(_ wrong: Int, error: Double) -> WindowEvidence {
      var window = evidence(wrong, of: 100)
      window.labelError = error
      return window
    }
    // A network that is right differs from 35 of 100 such labels.
    var trigger = RetrainTrigger()
    for _ in 0..<50 { #expect(trigger.take(noisy(35, error: 0.35)) == .wait) }
    var sure = RetrainTrigger()
    #expect((0..<50).contains { _ in sure.take(noisy(35, error: 0)) != .wait })
    // One that is wrong about half of the flows still alarms.
    var wrong = RetrainTrigger()
    #expect((0..<50).contains { _ in wrong.take(noisy(50, error: 0.35)) != .wait })
    trigger.accept(level: nil, isFollowUp: false)
    for _ in 0..<5 { #expect(trigger.take(noisy(35, error: 0.35)) == .wait) }
  }

  @Test("after a training nothing follows for the cooldown, then one follow-up unless it has settled")
  func followUp() {
    var trigger = RetrainTrigger()
    trigger.accept(level: nil, isFollowUp: false)
    #expect(trigger.take(evidence(50, of: 100, drift: true)) == .wait)
    #expect(trigger.take(evidence(10, of: 100)) == .retrain([.followUp(disagreement: 0.1)]))
    trigger.accept(level: nil, isFollowUp: true)
    for _ in 0..<5 { #expect(trigger.take(evidence(10, of: 100)) == .wait) }
    var settled = RetrainTrigger()
    settled.accept(level: nil, isFollowUp: false)
    for _ in 0..<4 { #expect(settled.take(evidence(1, of: 100)) == .wait) }
  }
}

@Suite("A classifier is trained")
struct ClassifierTrainingTests {
  private func rows(_ count: Int, seed: UInt64) -> [TrainingRow] {
    var generator = SeededGenerator(seed: seed)
    return (0..<count).map { _ in
      let row = [Float(generator.normal()), Float(generator.normal())]
      return TrainingRow(features: row, label: row[0] * row[1] > 0 ? 1 : 0)
    }
  }

  @Test("it learns, stays within its bound of weights, and becomes integers that decide alike")
  func learns() throws {
    let raw = rows(600, seed: 4)
    let standardization = Standardization(raw.map(\.features))
    let own = raw.map { TrainingRow(features: standardization.apply($0.features), label: $0.label) }
    let start = try DenseNetwork(
      widths: [2, 16, 2], activations: [.relu, .identity], seed: 1)
    var training = ClassifierTraining()
    (training.epochs, training.largestWeight) = (40, 3)
    var meter = ComputeMeter()
    let result = try training.train(start, rows: own, seed: 1, meter: &meter)
    let right = own.filter { ClassifierSnapshot.largest(result.network($0.features)) == $0.label }.count
    #expect(right > 540)
    #expect(result.network.parameters.allSatisfy { abs($0) <= 3 })
    #expect(meter.training == UInt64(600 * 64 * (40 * 3 + 1)))
    let made = try ClassifierSnapshot(result.network, standardization, calibration: raw.map(\.features))
    let changed = raw.filter {
      made.decide($0.features)
        != ClassifierSnapshot.largest(result.network(standardization.apply($0.features)))
    }.count
    #expect(changed <= 6)
    var again = ComputeMeter()
    #expect(try training.train(start, rows: own, seed: 1, meter: &again) == result)
  }

  @Test("rows that do not fit are refused with what to do")
  func refused() throws {
    let start = try DenseNetwork(widths: [2, 2], activations: [.identity], seed: 1)
    var meter = ComputeMeter()
    #expect(throws: RetrainingError.self) {
      try ClassifierTraining().train(
        start, rows: [TrainingRow(features: [1], label: 0)], seed: 1, meter: &meter)
    }
  }

  @Test("a training on turned labels is refused by the memory, and its labels are set aside")
  func poisoned() throws {
    let good = rows(300, seed: 6)
    let turned = good.map { TrainingRow(features: $0.features, label: 1 - $0.label) }
    let start = try DenseNetwork(widths: [2, 16, 2], activations: [.relu, .identity], seed: 1)
    var meter = ComputeMeter()
    let inUse = try ClassifierTraining().train(start, rows: good, seed: 1, meter: &meter).network
    let candidate = try ClassifierTraining().train(inUse, rows: turned, seed: 2, meter: &meter).network
    var guardian = PoisoningGuard()
    let verdict = guardian.judge(candidate, inUse: inUse, heldOut: [], memory: good)
    guard case .refuse(.memory, _, _) = verdict else {
      Issue.record("\(verdict)")
      return
    }
    #expect(guardian.judge(inUse, inUse: inUse, heldOut: good, memory: good) == .accept)
    guardian.setAside(turned)
    #expect(guardian.release().count == 300)
    #expect(guardian.quarantine.isEmpty)
  }

  @Test("the memory is bounded by class and goes on from disk with the same draws")
  func memory() throws {
    var memory = ReplayMemory(classes: 2, capacity: 10, admission: 0.5, seed: 8)
    memory.offer(rows(500, seed: 9))
    #expect(memory.count == 20)
    memory.offer(TrainingRow(features: [1], label: 9))
    #expect(memory.count == 20)
    var copy = memory
    let more = rows(50, seed: 10)
    memory.offer(more)
    copy.offer(more)
    #expect(memory == copy)
  }
}
