import MedullaLearning

/// A classifier that is trained anew when its labels, or its inputs, say that it must be.
///
/// A value without clock: windows of decided flows go in, with the labels that came since the window before,
/// and what became of the network comes out. What it learns from is standardized by statistics of the past.
package struct OnlineClassifier: Sendable {
  package struct Settings: Sendable, Equatable, Codable {
    package var trigger = RetrainTrigger.Settings()
    package var measure = AccuracyMeasure.macroF1
    package var training = ClassifierTraining()
    /// Bounds on weights that are tried, one after the other, until the integers are proven.
    package var weightBounds: [Float] = [8, 4, 2]
    package var gates = ClassifierGates()
    /// Whether the network in use is held against the baseline, where one is kept.
    package var usesBaseline = true
    /// Labelled flows that count as the present, and by how much more.
    package var recent = 300
    package var recentWeight: Float = 2
    /// Labelled flows of the past that are kept, of all classes together.
    package var memory = 500
    /// Where labels are wrong more often, classes are not balanced: their counts are then not the truth's,
    /// and the balance would move the boundary.
    package var balancedError: Float = 0.15
    /// Of the present, each so-and-so-many-th is held out, so that training ends by it and the guard judges
    /// by it; 0: none, and epochs alone end it. Where labels are few or often wrong, none is: they are
    /// needed, and a training that ends by them ends by chance or by the past.
    package var heldOutEvery = 5
    /// Labels of the present that there are to be, and in how many windows they came at most.
    package var heldOutLeast = 100
    package var heldOutWindows = 5
    package var seed: UInt64 = 1

    package init() {}
  }

  /// A flow that has a label now.
  package struct LabelledFlow: Sendable, Equatable, Codable {
    /// In the network's units.
    package let features: [Float]
    /// What the network in the datapath said; nil: it was unsure.
    package let prediction: Int?
    package let label: Int
    /// How probable it was that this flow would be asked about.
    package let inclusion: Double
    /// How probable it is that the label is wrong.
    package let labelError: Double

    package init(
      features: [Float], prediction: Int?, label: Int, inclusion: Double = 1, labelError: Double = 0
    ) {
      (self.features, self.prediction, self.label) = (features, prediction, label)
      (self.inclusion, self.labelError) = (inclusion, labelError)
    }
  }

  /// Why a network that was trained is not taken into use.
  package enum Refusal: Sendable, Equatable {
    /// On labels that were held out, or on the memory of the past; the labels of the window are set aside.
    case worse(on: GuardDecision.Worsened, before: Double, after: Double)
    case gate(GateReading)
    /// No bound on weights gives integers that are proven.
    case unproven
  }

  /// What a window came to.
  package struct WindowReport: Sendable, Equatable {
    package enum Outcome: Sendable, Equatable {
      case kept
      case trained([RetrainReason], gates: [GateReading])
      case refused([RetrainReason], Refusal)
    }

    package let outcome: Outcome
    /// nil: the window's labels said too little.
    package let proxy: ProxyReading?
    package let drift: DriftReading?
    package let labels: Int
  }

  package let settings: Settings
  package private(set) var kept: LearnedState
  /// Takes standardized inputs.
  package private(set) var network: DenseNetwork
  /// The network in use as integers; nil: they are not proven.
  package private(set) var integers: ClassifierSnapshot?

  /// What was in use before the last training.
  private var before: (network: DenseNetwork, integers: ClassifierSnapshot?)?

  /// - Parameters:
  ///   - network: as it runs, of inputs in their units.
  ///   - past: inputs by which the others are standardized and against which drift is told, at least one.
  /// - Throws: `badRows` when inputs do not fit the network.
  package init(
    _ network: DenseNetwork, past: [[Float]], settings: Settings = Settings()
  ) throws(RetrainingError) {
    try Self.check(past, network)
    let standardization = Standardization(past)
    try self.init(
      standardized: try standardization.unfolded(from: network), standardization, past: past,
      settings: settings)
  }

  /// - Parameters:
  ///   - network: of standardized inputs.
  ///   - past: inputs in their units, against which drift is told.
  package init(
    standardized network: DenseNetwork, _ standardization: Standardization, past: [[Float]],
    settings: Settings = Settings()
  ) throws(RetrainingError) {
    try Self.check(past, network)
    self.settings = settings
    self.network = network
    kept = LearnedState(
      standardization, classes: network.outputs, past: past.map { standardization.apply($0) },
      settings: settings)
    integers = try? ClassifierSnapshot(network, standardization, calibration: past)
  }

  /// Goes on with what was learned before, and with the network that runs now.
  ///
  /// - Throws: `badRows` when the two do not fit.
  package init(
    _ network: DenseNetwork, continuing kept: LearnedState, settings: Settings = Settings()
  ) throws(RetrainingError) {
    guard kept.fits(inputs: network.inputs, classes: network.outputs) else {
      throw RetrainingError(
        .badRows, "what was learned before is of another network",
        remedy: "Take it away, and the memory begins anew.")
    }
    self.settings = settings
    self.kept = kept
    self.network = try kept.standardization.unfolded(from: network)
    integers = kept.integers(of: self.network)
  }

  private static func check(_ rows: [[Float]], _ network: DenseNetwork) throws(RetrainingError) {
    guard !rows.isEmpty, rows.allSatisfy({ $0.count == network.inputs }) else {
      throw RetrainingError(
        .badRows, "\(rows.count) rows do not fit a network of \(network.inputs) inputs",
        remedy: "Give at least one row, each with the network's inputs.")
    }
  }

  /// The one in use is to be better than this network, from now on and after a restart. Where there is one
  /// already, that stays.
  package mutating func keepBaseline(_ network: DenseNetwork) {
    if kept.baseline == nil { kept.baseline = network }
  }

  /// The network in use, of inputs in their units.
  package var folded: DenseNetwork {
    // The widths fit since `init`.
    (try? kept.standardization.folded(into: network)) ?? network
  }

  /// Puts rows into the memory that were labelled before the first window.
  package mutating func remember(_ rows: [TrainingRow]) { kept.memory.offer(rows) }

  /// How far a window's inputs are from those that the network was trained for: known before any label, so
  /// that it says how many to ask for. nil where windows alone say when to train.
  package func drift(of inputs: [[Float]]) -> DriftReading? {
    reading(ofStandardized: inputs.map(kept.standardization.apply))
  }

  private func reading(ofStandardized rows: [[Float]]) -> DriftReading? {
    settings.trigger.policy == .triggered ? kept.drift.reading(rows) : nil
  }

  /// The network of the last training was taken out of use: the one of before is in use again, and the next
  /// training needs new evidence.
  package mutating func takeBack() {
    guard let before else { return }
    (network, integers) = before
    self.before = nil
    kept.trigger.refuse()
  }

  /// The class that the network in use gives, by its integers where there are some.
  package func decide(_ features: [Float]) -> Int { decideWithMargin(features).label }

  /// The class, and its output's lead over the next.
  package func decideWithMargin(_ features: [Float]) -> (label: Int, margin: Double) {
    if let integers { return integers.decideWithMargin(features) }
    let outputs = network(kept.standardization.apply(features))
    let best = ClassifierSnapshot.largest(outputs)
    let next = outputs.indices.filter { $0 != best }.map { outputs[$0] }.max() ?? outputs[best]
    return (best, Double(outputs[best] - next))
  }

  /// Takes a window: inputs of the flows that were decided in it, and flows that have got their labels since
  /// the window before, also of earlier windows.
  ///
  /// - Throws: `RetrainingError` when a training fails; the network stays.
  package mutating func take(
    inputs: [[Float]], labelled: [LabelledFlow]
  ) throws(RetrainingError) -> WindowReport {
    let scaled = inputs.map(kept.standardization.apply)
    let reading = reading(ofStandardized: scaled)
    if reading != nil { kept.meter.noteWatching(inputs.count * network.inputs * Self.comparisonsOfValue) }
    // Few labels of one window say too little; they wait for those of the next.
    let heard = kept.carry(labelled, least: settings.trigger.leastLabels)
    let window = judgements(heard)
    let fresh = labelled.map { flow in
      TrainingRow(
        features: kept.standardization.apply(flow.features), label: flow.label,
        weight: Float(max(1 - 2 * flow.labelError, Self.leastWeight)))
    }
    kept.noteRecent(fresh, limit: settings.recent)
    let proxy = AccuracyProxy(settings.measure).reading(window)
    let evidence = WindowEvidence(
      proxy: proxy, baseline: baselineLevel(heard), drift: reading,
      disagreements: window.judgements.map { $0.prediction != $0.label },
      labelledClasses: window.labelledClasses,
      labelError: window.judgements.reduce(0) { $0 + $1.labelError } / Double(max(window.count, 1)))
    var outcome = WindowReport.Outcome.kept
    if case .retrain(let reasons) = kept.trigger.take(evidence) {
      outcome = try train(reasons, scaled: scaled, fresh: fresh)
    }
    // What was refused is not remembered either.
    if case .refused(_, .worse) = outcome {} else { kept.memory.offer(fresh) }
    return WindowReport(outcome: outcome, proxy: proxy, drift: reading, labels: labelled.count)
  }

  /// By bisection among 32 quantiles, and the sums.
  private static let comparisonsOfValue = 6
  private static let leastWeight = 0.05

  /// The measure of the baseline on the same labels.
  private mutating func baselineLevel(_ heard: [LabelledFlow]) -> Double? {
    guard settings.usesBaseline, let baseline = kept.baseline, !heard.isEmpty else { return nil }
    kept.meter.noteWatching(heard.count * baseline.multiplyAccumulates)
    let judged = heard.map { flow in
      LabelledFlow(
        features: flow.features, prediction: ClassifierSnapshot.largest(baseline(flow.features)),
        label: flow.label, inclusion: flow.inclusion, labelError: flow.labelError)
    }
    return AccuracyProxy(settings.measure).reading(judgements(judged))?.value
  }

  private func judgements(_ labelled: [LabelledFlow]) -> AccuracyWindow {
    var window = AccuracyWindow(classes: network.outputs)
    for flow in labelled {
      window.add(
        .init(
          prediction: flow.prediction, label: flow.label, inclusion: flow.inclusion,
          labelError: flow.labelError))
    }
    return window
  }

  private mutating func train(
    _ reasons: [RetrainReason], scaled: [[Float]], fresh: [TrainingRow]
  ) throws(RetrainingError) -> WindowReport.Outcome {
    let lesson = kept.lesson(settings)
    let past = kept.memory.all
    for bound in settings.weightBounds {
      let candidate: DenseNetwork
      do {
        candidate = try trained(lesson, past, bound)
      } catch {
        kept.trigger.refuse()
        throw error
      }
      kept.meter.noteWatching(2 * (past.count + lesson.heldOut.count) * network.multiplyAccumulates)
      let verdict = kept.guardian.judge(candidate, inUse: network, heldOut: lesson.heldOut, memory: past)
      if case .refuse(let what, let before, let after) = verdict {
        kept.setAside(fresh)
        return .refused(reasons, .worse(on: what, before: before, after: after))
      }
      guard let made = kept.integers(of: candidate) else { continue }
      let gates = settings.gates.examine(
        made, candidate, kept.standardization, inUse: integers, recent: scaled.map(kept.unscaled),
        labelled: fresh.map(kept.unscaled), heldOut: lesson.heldOut.map(kept.unscaled))
      if let shut = gates.first(where: { !$0.isOpen }) {
        kept.trigger.refuse()
        return .refused(reasons, .gate(shut))
      }
      before = (network, integers)
      (network, integers) = (candidate, made)
      kept.accept(reasons, scaled: scaled)
      return .trained(reasons, gates: gates)
    }
    kept.trigger.refuse()
    return .refused(reasons, .unproven)
  }

  private mutating func trained(
    _ lesson: LearnedState.Lesson, _ past: [TrainingRow], _ bound: Float
  ) throws(RetrainingError) -> DenseNetwork {
    var training = settings.training
    training.largestWeight = bound
    if lesson.error > settings.balancedError { training.classWeightCap = 1 }
    return try training.train(
      network, rows: lesson.rows + past, heldOut: lesson.heldOut, seed: kept.nextSeed(settings.seed),
      meter: &kept.meter
    ).network
  }
}
