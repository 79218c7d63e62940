import MedullaLearning

/// What a classifier that keeps learning knows beside its network: it can be written down and gone on with.
package struct LearnedState: Sendable, Equatable, Codable {
  package let standardization: Standardization
  package internal(set) var meter = ComputeMeter()
  package internal(set) var memory: ReplayMemory
  var recent: [TrainingRow] = []
  /// How many of each window's labels there were, of the windows that `recent` is of.
  private var recentSizes: [Int] = []
  /// Labelled flows of windows that had too few to say anything.
  private var waiting: [OnlineClassifier.LabelledFlow] = []
  var drift: InputDrift
  var trigger: RetrainTrigger
  var guardian = PoisoningGuard()
  /// A network that was trained once and stays as it is, of inputs in their units.
  var baseline: DenseNetwork?
  private var trainings: UInt64 = 0

  /// - Parameter past: standardized inputs, against which drift is told.
  init(
    _ standardization: Standardization, classes: Int, past: [[Float]], settings: OnlineClassifier.Settings
  ) {
    self.standardization = standardization
    memory = ReplayMemory(
      classes: classes, capacity: max(settings.memory / max(classes, 1), 1), seed: settings.seed)
    drift = InputDrift(past)
    trigger = RetrainTrigger(settings.trigger)
  }

  /// Labels that were refused with a training and count no more.
  package var quarantined: Int { guardian.quarantine.count }

  package func fits(inputs: Int, classes: Int) -> Bool {
    standardization.means.count == inputs && standardization.deviations.count == inputs
      && memory.classes == classes
      && baseline.map { $0.inputs == inputs && $0.outputs == classes } ?? true
      && (memory.all + recent).allSatisfy { $0.features.count == inputs && (0..<classes).contains($0.label) }
  }

  /// What a training learns from of the present, and what is held out of it.
  struct Lesson {
    let rows: [TrainingRow]
    let heldOut: [TrainingRow]
    /// How often labels of the present are wrong, as far as their agents know.
    let error: Float
  }

  func lesson(_ settings: OnlineClassifier.Settings) -> Lesson {
    let error = recent.reduce(0) { $0 + (1 - $1.weight) / 2 } / Float(max(recent.count, 1))
    let isPlenty =
      recent.count >= settings.heldOutLeast && recentWindows <= settings.heldOutWindows
      && error <= settings.balancedError
    let every = isPlenty ? settings.heldOutEvery : 0
    let parts = Dictionary(grouping: recent.enumerated()) { every > 1 && $0.offset % every == every - 1 }
    return Lesson(
      rows: (parts[false] ?? []).map { _, row in
        TrainingRow(features: row.features, label: row.label, weight: row.weight * settings.recentWeight)
      }, heldOut: (parts[true] ?? []).map(\.element),
      error: error)
  }

  /// Puts labels to those that wait.
  ///
  /// - Returns: all of them once they are enough and of two classes at least; none before.
  mutating func carry(
    _ labelled: [OnlineClassifier.LabelledFlow], least: Int
  ) -> [OnlineClassifier.LabelledFlow] {
    waiting += labelled
    // What waits for a second class is no longer the present at some time.
    let limit = max(labelled.count, Self.waitingLimit)
    if waiting.count > limit { waiting.removeFirst(waiting.count - limit) }
    guard waiting.count >= least, Set(waiting.map(\.label)).count > 1 else { return [] }
    defer { waiting = [] }
    return waiting
  }

  private static let waitingLimit = 100

  mutating func noteRecent(_ rows: [TrainingRow], limit: Int) {
    recent += rows
    recentSizes.append(rows.count)
    if recent.count > limit { recent.removeFirst(recent.count - limit) }
    while let oldest = recentSizes.first, recentSizes.reduce(0, +) - oldest >= recent.count {
      recentSizes.removeFirst()
    }
  }

  private var recentWindows: Int { recentSizes.count }

  mutating func accept(_ reasons: [RetrainReason], scaled: [[Float]]) {
    drift.rebase(scaled)
    trigger.accept(
      level: nil, isFollowUp: reasons.contains { if case .followUp = $0 { true } else { false } })
  }

  /// The newest labels made a training worse: they are not learned from the next time either.
  mutating func setAside(_ fresh: [TrainingRow]) {
    guardian.setAside(fresh)
    recent.removeLast(min(fresh.count, recent.count))
    if !recentSizes.isEmpty { recentSizes.removeLast() }
    trigger.refuse()
  }

  mutating func nextSeed(_ seed: UInt64) -> UInt64 {
    trainings += 1
    return seed &+ trainings
  }

  func unscaled(_ row: [Float]) -> [Float] {
    row.indices.map { row[$0] * standardization.deviations[$0] + standardization.means[$0] }
  }

  func unscaled(_ row: TrainingRow) -> TrainingRow {
    TrainingRow(features: unscaled(row.features), label: row.label, weight: row.weight)
  }

  /// nil: they are not proven.
  func integers(of network: DenseNetwork) -> ClassifierSnapshot? {
    let rows = (recent + memory.all).map { unscaled($0.features) }
    return try? ClassifierSnapshot(
      network, standardization, calibration: rows.isEmpty ? [standardization.means] : rows)
  }
}
