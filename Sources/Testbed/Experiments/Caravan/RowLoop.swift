import MedullaBase
import MedullaLabels
import MedullaLearning
import MedullaRetraining

/// A stream of rows, window by window: predicted by the integers in use, then learned from. No row is learned
/// from before it was predicted, and no statistics come from later rows.
package struct RowLoop {
  package struct Settings: Sendable {
    package var window = 100
    package var bootstrap = 1_000
    package var hidden = [32, 16]
    package var policy = RetrainTrigger.Policy.triggered
    /// Nothing is learned after the bootstrap.
    package var isFrozen = false
    package var epochs = 20
    package var recent = 300
    package var memory = 500
    package var recentWeight: Float = 2
    package var classWeightCap: Float = 10
    package var agents = [RowAgents.Kind.noisy(0)]
    package var model = DawidSkene.Model.fullConfusion
    /// Of the rows after the bootstrap, the share that may be labelled.
    package var budget = 1.0
    package var burst = 40
    package var leastLabels = 8

    package init() {}
  }

  /// What a stream came to.
  package struct Course: Sendable {
    package var truth: [Int] = []
    package var said: [Int] = []
    package var retrains: [(row: Int, reasons: [RetrainReason])] = []
    package var readings: [(row: Int, reading: ProxyReading?, truth: Double)] = []
    package var labels: [Double] = []
    package var refused = 0
    package var unproven = 0
    package var quantizationChanges = 0
    package var meter = ComputeMeter()

    package var f1: Double { Self.macroF1(truth, said) }
    package var labelled: Double { labels.last ?? 0 }

    /// Over the classes that occur.
    package static func macroF1(_ truth: [Int], _ said: [Int]) -> Double {
      let each = [0, 1].compactMap { own -> Double? in
        let both = truth.filter { $0 == own }.count + said.filter { $0 == own }.count
        let hits = zip(truth, said).filter { $0 == own && $1 == own }.count
        return both > 0 ? 2 * Double(hits) / Double(both) : nil
      }
      return each.isEmpty ? 0 : each.reduce(0, +) / Double(each.count)
    }
  }

  /// A network in use with its integers.
  package struct Start: Sendable {
    let network: DenseNetwork
    let standardization: Standardization
    let snapshot: ClassifierSnapshot
    let rows: [TrainingRow]
  }

  private let settings: Settings
  private let rows: FlowRows
  private let seed: UInt64
  private let standardization: Standardization
  private var network: DenseNetwork
  private var snapshot: ClassifierSnapshot
  private var memory: ReplayMemory
  private var recent: [TrainingRow]
  private var drift: InputDrift
  private var trigger: RetrainTrigger
  private var guardian = PoisoningGuard()
  private var agents: RowAgents
  private var generator: SeededGenerator
  private var tokens = 0.0
  private var debtLimit = 60.0
  private var course = Course()
  private var given = 0

  /// The first network: trained on the first rows until their held-out fifth gets no better.
  package static func start(_ rows: FlowRows, _ settings: Settings, seed: UInt64) throws -> Start {
    let first = Array(rows.features.prefix(settings.bootstrap))
    let standardization = Standardization(first)
    let all = zip(first, rows.labels).map {
      TrainingRow(features: standardization.apply($0), label: $1)
    }
    let heldOut = all.enumerated().filter { $0.offset % 5 == 4 }.map(\.element)
    let learned = all.enumerated().filter { $0.offset % 5 != 4 }.map(\.element)
    let untrained = try DenseNetwork(
      widths: [rows.names.count] + settings.hidden + [2],
      activations: settings.hidden.map { _ in .relu } + [.identity], seed: seed)
    var training = ClassifierTraining()
    (training.epochs, training.patience) = (200, 20)
    var meter = ComputeMeter()
    let network = try training.train(
      untrained, rows: learned, heldOut: heldOut, seed: seed, meter: &meter
    ).network
    let snapshot = try ClassifierSnapshot(network, standardization, calibration: first)
    return Start(network: network, standardization: standardization, snapshot: snapshot, rows: all)
  }

  package init(_ rows: FlowRows, _ start: Start, _ settings: Settings, seed: UInt64) {
    (self.rows, self.settings, self.seed) = (rows, settings, seed)
    (network, snapshot, standardization) = (start.network, start.snapshot, start.standardization)
    memory = ReplayMemory(classes: 2, capacity: settings.memory / 2, seed: seed)
    memory.offer(start.rows)
    recent = []
    drift = InputDrift(start.rows.suffix(300).map(\.features))
    var triggerSettings = RetrainTrigger.Settings()
    triggerSettings.policy = settings.policy
    triggerSettings.leastLabels = settings.leastLabels
    trigger = RetrainTrigger(triggerSettings)
    agents = RowAgents(settings.agents, model: settings.model, seed: seed &+ 77)
    generator = SeededGenerator(seed: seed &+ 99)
  }

  package mutating func run() throws -> Course {
    for first in stride(from: settings.bootstrap, to: rows.count, by: settings.window) {
      try take(first..<min(first + settings.window, rows.count))
    }
    return course
  }

  private mutating func take(_ window: Range<Int>) throws {
    let decisions = window.map { snapshot.decide(rows.features[$0]) }
    course.said += decisions
    course.truth += window.map { rows.labels[$0] }
    guard !settings.isFrozen else { return }
    let scaled = window.map { standardization.apply(rows.features[$0]) }
    let reading = settings.policy == .triggered ? drift.reading(scaled) : nil
    if settings.policy == .triggered {
      course.meter.noteWatching(window.count * rows.names.count * 6)
    }
    let chosen = choose(window.count, isDrift: reading?.isDrift ?? false)
    var seen = AccuracyWindow(classes: 2)
    var fresh: [TrainingRow] = []
    let inclusion = Double(max(chosen.count, 1)) / Double(window.count)
    for place in chosen {
      let row = window.lowerBound + place
      guard let label = agents.label(rows.labels[row], sample: UInt64(row)) else { continue }
      seen.add(
        .init(
          prediction: decisions[place], label: label.label, inclusion: inclusion, labelError: label.error))
      fresh.append(
        TrainingRow(
          features: scaled[place], label: label.label, weight: Float(max(1 - 2 * label.error, 0.05))))
    }
    given += chosen.count
    course.labels.append(Double(given) / Double(rows.count - settings.bootstrap))
    recent += fresh
    if recent.count > settings.recent { recent.removeFirst(recent.count - settings.recent) }
    let proxy = AccuracyProxy().reading(seen)
    course.readings.append(
      (window.upperBound, proxy, Course.macroF1(window.map { rows.labels[$0] }, decisions)))
    let evidence = WindowEvidence(
      proxy: proxy, drift: reading, disagreements: seen.judgements.map { $0.prediction != $0.label },
      labelledClasses: seen.labelledClasses)
    if case .retrain(let reasons) = trigger.take(evidence) {
      try retrain(reasons, scaled, fresh, at: window.upperBound)
    }
    memory.offer(fresh)
  }

  /// Rows of a window that are labelled: by chance, within the budget; more where the inputs have moved.
  private mutating func choose(_ count: Int, isDrift: Bool) -> [Int] {
    guard settings.budget < 1 else { return Array(0..<count) }
    tokens += settings.budget * Double(count)
    let wish = isDrift ? settings.burst : Int(settings.budget * Double(count) * 0.8)
    let number = min(count, max(0, min(wish, Int(tokens + debtLimit))))
    tokens -= Double(number)
    return Array((0..<count).shuffled(using: &generator).prefix(number)).sorted()
  }

  private mutating func retrain(
    _ reasons: [RetrainReason], _ scaled: [[Float]], _ fresh: [TrainingRow], at row: Int
  ) throws {
    let isFollowUp = reasons.contains { if case .followUp = $0 { true } else { false } }
    let new = recent.map {
      TrainingRow(features: $0.features, label: $0.label, weight: $0.weight * settings.recentWeight)
    }
    var training = ClassifierTraining()
    training.epochs = settings.epochs
    training.classWeightCap = settings.classWeightCap
    let own = seed &+ UInt64(row)
    // Integers of large weights may not be proven: a smaller bound, not the labels, is what is wrong then.
    for bound: Float in [8, 4, 2] {
      training.largestWeight = bound
      let candidate = try training.train(
        network, rows: new + memory.all, seed: own, meter: &course.meter
      ).network
      let verdict = guardian.judge(candidate, inUse: network, heldOut: [], memory: memory.all)
      course.meter.noteWatching(2 * memory.count * network.multiplyAccumulates)
      if case .refuse = verdict {
        guardian.setAside(fresh)
        course.refused += 1
        trigger.refuse()
        return
      }
      guard let made = integers(of: candidate) else {
        course.unproven += 1
        continue
      }
      course.quantizationChanges +=
        scaled.filter {
          ClassifierSnapshot.largest(candidate($0)) != made.decide(unscaled($0))
        }.count
      (network, snapshot) = (candidate, made)
      drift.rebase(scaled)
      trigger.accept(level: nil, isFollowUp: isFollowUp)
      course.retrains.append((row, reasons))
      return
    }
    trigger.refuse()
  }

  /// nil: they are not proven.
  private func integers(of candidate: DenseNetwork) -> ClassifierSnapshot? {
    let calibration = (recent + memory.all).map { unscaled($0.features) }
    return try? ClassifierSnapshot(candidate, standardization, calibration: calibration)
  }

  private func unscaled(_ row: [Float]) -> [Float] {
    row.indices.map { row[$0] * standardization.deviations[$0] + standardization.means[$0] }
  }
}
