import MedullaBase
import MedullaLabels
import MedullaLearning
import MedullaRetraining

/// A stream of rows, window by window, through what the daemon runs (`OnlineClassifier`): predicted by the
/// integers in use, then learned from. No row is learned from before it was predicted, and no statistics come
/// from later rows.
package struct RowLoop {
  package struct Settings: Sendable {
    package var window = 100
    package var bootstrap = 1_000
    package var hidden = [32, 16]
    /// As the daemon has them, but for what a study asks for.
    package var online = OnlineClassifier.Settings()
    /// Nothing is learned after the bootstrap.
    package var isFrozen = false
    package var agents = [RowAgents.Kind.noisy(0)]
    package var model = DawidSkene.Model.fullConfusion
    /// Of the rows after the bootstrap, the share that may be labelled.
    package var budget = 1.0

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

  /// A network that was trained on the first rows, which it remembers.
  package struct Start: Sendable {
    let network: DenseNetwork
    let standardization: Standardization
    let rows: [TrainingRow]
  }

  private let settings: Settings
  private let rows: FlowRows
  private var online: OnlineClassifier
  private var agents: RowAgents
  private var selection: FlowSelection
  private var allowance: FlowAllowance
  private var plan = QuestionPlan()
  private var known: [[Double]] = []
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
    return Start(network: network, standardization: standardization, rows: all)
  }

  /// - Throws: where the first network has no proven integers, or the settings cannot be.
  package init(_ rows: FlowRows, _ start: Start, _ settings: Settings, seed: UInt64) throws {
    (self.rows, self.settings) = (rows, settings)
    var own = settings.online
    own.seed = seed
    let past = rows.features.prefix(settings.bootstrap).suffix(own.recent)
    online = try OnlineClassifier(
      standardized: start.network, start.standardization, past: Array(past), settings: own)
    online.remember(start.rows)
    agents = RowAgents(settings.agents, model: settings.model, seed: seed &+ 77)
    selection = try FlowSelection(seed: seed &+ 99)
    allowance = FlowAllowance(share: settings.budget)
    known = rows.features.prefix(settings.bootstrap).suffix(NoveltyMemory.rowLimit).map {
      $0.map(Double.init)
    }
  }

  package mutating func run() throws -> Course {
    for first in stride(from: settings.bootstrap, to: rows.count, by: settings.window) {
      try take(first..<min(first + settings.window, rows.count))
    }
    course.meter = online.kept.meter
    return course
  }

  private mutating func take(_ window: Range<Int>) throws {
    let decisions = window.map { online.decideWithMargin(rows.features[$0]) }
    course.said += decisions.map(\.label)
    course.truth += window.map { rows.labels[$0] }
    guard !settings.isFrozen else { return }
    let chosen = choose(window, decisions)
    var labelled: [OnlineClassifier.LabelledFlow] = []
    for flow in chosen {
      let row = Int(flow.request.sample)
      guard let label = agents.label(rows.labels[row], sample: flow.request.sample) else { continue }
      known.append(flow.request.features)
      labelled.append(
        OnlineClassifier.LabelledFlow(
          features: rows.features[row], prediction: flow.request.prediction, label: label.label,
          inclusion: flow.probability, labelError: label.error))
    }
    if known.count > NoveltyMemory.rowLimit { known.removeFirst(known.count - NoveltyMemory.rowLimit) }
    given += chosen.count
    course.labels.append(Double(given) / Double(rows.count - settings.bootstrap))
    let report = try online.take(inputs: window.map { rows.features[$0] }, labelled: labelled)
    course.readings.append(
      (
        window.upperBound, report.proxy,
        Course.macroF1(window.map { rows.labels[$0] }, decisions.map(\.label))
      ))
    switch report.outcome {
    case .kept: break
    case .trained(let reasons, _): course.retrains.append((window.upperBound, reasons))
    case .refused(_, .unproven): course.unproven += 1
    case .refused: course.refused += 1
    }
  }

  /// Rows of a window that are labelled: all, or within the budget as the daemon chooses flows.
  private mutating func choose(
    _ window: Range<Int>, _ decisions: [(label: Int, margin: Double)]
  ) -> [ChosenFlow] {
    let requests = zip(window, decisions).map { row, decision in
      LabelRequest(
        sample: UInt64(row), features: rows.features[row].map(Double.init), prediction: decision.label,
        margin: decision.margin)
    }
    guard settings.budget < 1 else {
      return requests.map { ChosenFlow($0, probability: 1, reason: .random) }
    }
    allowance.earn(requests.count)
    let questions = plan.window(
      regular: allowance.available(mayOwe: false), owing: allowance.available(mayOwe: true),
      hasDrifted: online.drift(of: window.map { rows.features[$0] })?.isDrift ?? false)
    let chosen = selection.choose(
      requests, count: questions.count, memory: NoveltyMemory(known), isBurst: questions.isBurst)
    allowance.spend(chosen.count)
    return chosen
  }
}
