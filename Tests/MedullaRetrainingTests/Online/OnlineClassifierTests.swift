import Foundation
import MedullaBase
import MedullaLearning
import Testing

@testable import MedullaRetraining

@Suite("A classifier that keeps learning")
struct OnlineClassifierTests {
  typealias Labelled = OnlineClassifier.LabelledFlow

  /// Two classes of flows that the first feature tells apart. Under other conditions, which the second
  /// feature shows, all of both lies where one class lay before.
  struct Stream {
    var generator: SeededGenerator
    var isOther = false

    init(seed: UInt64) { generator = SeededGenerator(seed: seed) }

    mutating func rows(_ count: Int) -> [(features: [Float], label: Int)] {
      (0..<count).map { place in
        let label = place % 2
        let center: Float = (label == 1 ? 3 : -3) + (isOther ? 6 : 0)
        return (
          [center + Float(generator.normal()), Float(generator.normal()) + (isOther ? 4 : 0)], label
        )
      }
    }
  }

  /// A classifier that was trained before the shift.
  static func classifier(
    _ stream: inout Stream, change: (inout OnlineClassifier.Settings) -> Void = { _ in }
  ) throws -> OnlineClassifier {
    let rows = stream.rows(400)
    let standardization = Standardization(rows.map(\.features))
    let first = try DenseNetwork(widths: [2, 8, 2], activations: [.relu, .identity], seed: 1)
    var meter = ComputeMeter()
    let network = try ClassifierTraining().train(
      first,
      rows: rows.map { TrainingRow(features: standardization.apply($0.features), label: $0.label) },
      seed: 1, meter: &meter
    ).network
    var settings = OnlineClassifier.Settings()
    change(&settings)
    return try OnlineClassifier(
      standardization.folded(into: network), past: rows.map(\.features), settings: settings)
  }

  @Test(
    "a network that falls below one that was kept from before is trained anew for that",
    arguments: [true, false])
  func baseline(isKept: Bool) throws {
    var stream = Stream(seed: 21)
    stream.isOther = true
    let other = try Self.classifier(&stream).folded
    stream.isOther = false
    // It knows the first conditions; what was kept knows the others.
    var classifier = try Self.classifier(&stream) { settings in
      (settings.trigger.margin, settings.trigger.baselineMargin) = (1, -0.2)
    }
    if isKept {
      let first = classifier.folded
      classifier.keepBaseline(other)
      // Another that comes later does not take its place.
      classifier.keepBaseline(first)
    }
    var outcomes: [OnlineClassifier.WindowReport.Outcome] = []
    for window in 0..<4 {
      stream.isOther = window > 1
      outcomes.append(try Self.window(&classifier, stream.rows(100)).report.outcome)
    }
    let called = outcomes.contains { outcome in
      switch outcome {
      case .trained(let reasons, _), .refused(let reasons, _):
        reasons.contains { if case .baseline = $0 { true } else { false } }
      case .kept: false
      }
    }
    #expect(called == isKept, "\(outcomes)")
    let read = try JSONDecoder().decode(LearnedState.self, from: JSONEncoder().encode(classifier.kept))
    #expect(read == classifier.kept)
  }

  /// A window with all its labels.
  static func window(
    _ classifier: inout OnlineClassifier, _ rows: [(features: [Float], label: Int)],
    said: (Int) -> Int = { $0 }
  ) throws -> (report: OnlineClassifier.WindowReport, accuracy: Double) {
    let network = classifier.folded
    let decisions = rows.map { ClassifierSnapshot.largest(network($0.features)) }
    let right = zip(rows, decisions).filter { $0.label == $1 }.count
    let report = try classifier.take(
      inputs: rows.map(\.features),
      labelled: zip(rows, decisions).map {
        Labelled(features: $0.features, prediction: $1, label: said($0.label))
      })
    return (report, Double(right) / Double(rows.count))
  }

  static func isTrained(_ report: OnlineClassifier.WindowReport) -> Bool {
    if case .trained = report.outcome { true } else { false }
  }

  @Test("without a change nothing is trained; another condition is learned, and the first is not forgotten")
  func conditions() throws {
    var stream = Stream(seed: 7)
    var classifier = try Self.classifier(&stream)
    for _ in 0..<10 {
      let (report, accuracy) = try Self.window(&classifier, stream.rows(100))
      #expect(!Self.isTrained(report) && accuracy > 0.97)
    }
    stream.isOther = true
    let (report, before) = try Self.window(&classifier, stream.rows(100))
    #expect(before < 0.6 && Self.isTrained(report), "\(before) \(report.outcome)")
    guard case .trained(let reasons, let gates) = report.outcome else { return }
    #expect(reasons.contains { if case .drift(1, _, _) = $0 { true } else { false } })
    #expect(gates.allSatisfy(\.isOpen) && gates.map(\.name).contains("held out"))
    for _ in 0..<4 { _ = try Self.window(&classifier, stream.rows(100)) }
    let (_, after) = try Self.window(&classifier, stream.rows(100))
    #expect(after > 0.9, "\(after)")
    stream.isOther = false
    let (_, again) = try Self.window(&classifier, stream.rows(100))
    #expect(again > 0.9, "\(again)")
    #expect(classifier.kept.meter.trainings <= 4)
  }

  @Test("a window without labels, or with those of one class, never leads to a training")
  func uninformed() throws {
    var stream = Stream(seed: 8)
    var classifier = try Self.classifier(&stream)
    stream.isOther = true
    let rows = stream.rows(100)
    let silent = try classifier.take(inputs: rows.map(\.features), labelled: [])
    #expect(silent.outcome == .kept && silent.drift?.isDrift == true && silent.proxy == nil)
    let one = rows.filter { $0.label == 1 }
    let report = try classifier.take(
      inputs: one.map(\.features),
      labelled: one.map { Labelled(features: $0.features, prediction: 0, label: 1) })
    #expect(report.outcome == .kept)
    #expect(classifier.kept.meter.trainings == 0)
  }

  @Test("where each window has few labels, they are heard together with those of the next")
  func few() throws {
    var stream = Stream(seed: 13)
    var classifier = try Self.classifier(&stream)
    var trained = 0
    for window in 0..<12 {
      if window == 6 { stream.isOther = true }
      let rows = stream.rows(100)
      // Four of them, two of each class: half of what a window needs that says anything.
      let network = classifier.folded
      let report = try classifier.take(
        inputs: rows.map(\.features),
        labelled: rows.prefix(4).map {
          Labelled(
            features: $0.features, prediction: ClassifierSnapshot.largest(network($0.features)),
            label: $0.label, inclusion: 0.04)
        })
      #expect((report.proxy == nil) == (window % 2 == 0), "\(window)")
      if Self.isTrained(report) { trained += 1 }
    }
    #expect(trained > 0)
  }

  @Test("labels that are turned around change little; where they would, they are refused and set aside")
  func poisoned() throws {
    for weight: Float in [2, 50] {
      var stream = Stream(seed: 9)
      var classifier = try Self.classifier(&stream) { $0.recentWeight = weight }
      for _ in 0..<10 { _ = try Self.window(&classifier, stream.rows(100)) }
      var refusals = 0
      for _ in 0..<4 {
        let (report, accuracy) = try Self.window(&classifier, stream.rows(100)) { 1 - $0 }
        #expect(accuracy > 0.9, "\(weight): \(accuracy)")
        if case .refused(_, .worse) = report.outcome { refusals += 1 }
      }
      guard weight == 50 else { continue }
      // Who trusts the present so much is held by the memory alone.
      #expect(refusals > 0 && classifier.kept.quarantined >= 100)
    }
  }

  @Test("gates that are shut, and integers that no bound proves, leave the network as it is and say so")
  func shut() throws {
    var stream = Stream(seed: 10)
    var strict = try Self.classifier(&stream) { $0.gates.leastHeldOut = 1.1 }
    var unbound = try Self.classifier(&stream) { $0.weightBounds = [] }
    stream.isOther = true
    for classifier in [0, 1] {
      let rows = stream.rows(100)
      let (report, before, after): (OnlineClassifier.WindowReport, DenseNetwork, DenseNetwork)
      if classifier == 0 {
        before = strict.folded
        report = try Self.window(&strict, rows).report
        after = strict.folded
      } else {
        before = unbound.folded
        report = try Self.window(&unbound, rows).report
        after = unbound.folded
      }
      #expect(before == after)
      guard case .refused(_, let refusal) = report.outcome else {
        Issue.record("\(report.outcome)")
        continue
      }
      switch refusal {
      case .gate(let reading): #expect(classifier == 0 && reading.name == "held out")
      case .unproven: #expect(classifier == 1)
      case .worse: Issue.record("\(refusal)")
      }
    }
  }

  @Test("written down and read again at any window, it goes on to the same bits", arguments: [0, 3, 11, 13])
  func continued(cut: Int) throws {
    var stream = Stream(seed: 11)
    var whole = try Self.classifier(&stream)
    var windows = (0..<10).map { _ in stream.rows(100) }
    stream.isOther = true
    windows += (0..<6).map { _ in stream.rows(100) }
    var parted = whole
    for (place, rows) in windows.enumerated() {
      _ = try Self.window(&whole, rows)
      if place == cut {
        let written = try JSONEncoder().encode(parted.kept)
        let network = parted.folded
        parted = try OnlineClassifier(
          network, continuing: JSONDecoder().decode(LearnedState.self, from: written),
          settings: parted.settings)
      }
      _ = try Self.window(&parted, rows)
    }
    // Folding in and out again rounds the weights; decisions, memory and trainings are the same.
    #expect(parted.kept.meter.trainings == whole.kept.meter.trainings)
    #expect(parted.kept.memory.all.map(\.label) == whole.kept.memory.all.map(\.label))
    let rows = stream.rows(200)
    let differ = rows.filter {
      ClassifierSnapshot.largest(parted.folded($0.features))
        != ClassifierSnapshot.largest(whole.folded($0.features))
    }
    #expect(differ.count <= 2)
  }

  @Test("what was learned for another network is refused")
  func other() throws {
    var stream = Stream(seed: 12)
    let classifier = try Self.classifier(&stream)
    let wider = try DenseNetwork(widths: [3, 4, 2], activations: [.relu, .identity], seed: 1)
    let more = try DenseNetwork(widths: [2, 4, 3], activations: [.relu, .identity], seed: 1)
    for network in [wider, more] {
      #expect(throws: RetrainingError.self) {
        try OnlineClassifier(network, continuing: classifier.kept)
      }
    }
    #expect(throws: RetrainingError.self) { try OnlineClassifier(wider, past: [[1, 2]]) }
    #expect(throws: RetrainingError.self) { try OnlineClassifier(wider, past: []) }
  }
}
