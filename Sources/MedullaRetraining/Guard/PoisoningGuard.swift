import MedullaLearning

/// Whether a network that was trained on new labels may replace the one in use.
package enum GuardDecision: Sendable, Equatable {
  case accept
  /// What got worse, and by how much; the labels that it learned from are set aside.
  case refuse(what: Worsened, before: Double, after: Double)

  package enum Worsened: String, Sendable { case heldOut, memory }
}

/// Refuses a training that worsens what is known: labels that were held out, or the memory of the past.
///
/// Compared is macro-recall, each class of like weight, of the candidate and of the network in use on the
/// same rows; it has to fall by more than the tolerance and by more than chance explains (the paired
/// difference's one-sided 95% bound).
package struct PoisoningGuard: Sendable, Equatable, Codable {
  package var heldOutTolerance = 0.03
  package var memoryTolerance = 0.10
  /// Rows that are needed for a judgement.
  package var leastRows = 20
  /// Rows that can be set aside; older ones go first.
  package var quarantineLimit = 4_096
  package private(set) var quarantine: [TrainingRow] = []

  package init() {}

  /// - Parameters: rows with labels, standardized.
  package func judge(
    _ candidate: DenseNetwork, inUse: DenseNetwork, heldOut: [TrainingRow], memory: [TrainingRow]
  ) -> GuardDecision {
    let parts: [(GuardDecision.Worsened, [TrainingRow], Double)] = [
      (.heldOut, heldOut, heldOutTolerance), (.memory, memory, memoryTolerance),
    ]
    for (what, rows, tolerance) in parts where rows.count >= leastRows {
      let (before, after, deviation) = compare(candidate, inUse, rows)
      let fall = before - after
      if fall > tolerance, fall - 1.645 * deviation > 0 {
        return .refuse(what: what, before: before, after: after)
      }
    }
    return .accept
  }

  /// Sets aside the labels of a training that was refused.
  package mutating func setAside(_ rows: [TrainingRow]) {
    quarantine += rows
    if quarantine.count > quarantineLimit { quarantine.removeFirst(quarantine.count - quarantineLimit) }
  }

  /// Gives the labels back, for agents that have been cleared.
  package mutating func release() -> [TrainingRow] {
    defer { quarantine = [] }
    return quarantine
  }

  private func compare(
    _ candidate: DenseNetwork, _ inUse: DenseNetwork, _ rows: [TrainingRow]
  ) -> (before: Double, after: Double, deviation: Double) {
    var (before, after, variance, classes) = (0.0, 0.0, 0.0, 0.0)
    for label in 0..<inUse.outputs {
      let own = rows.filter { $0.label == label }
      guard !own.isEmpty else { continue }
      classes += 1
      let count = Double(own.count)
      let pairs = own.map { row -> (Double, Double) in
        let (old, new) = (inUse(row.features), candidate(row.features))
        return (
          ClassifierSnapshot.largest(old) == label ? 1 : 0, ClassifierSnapshot.largest(new) == label ? 1 : 0
        )
      }
      before += pairs.reduce(0) { $0 + $1.0 } / count
      after += pairs.reduce(0) { $0 + $1.1 } / count
      let mean = pairs.reduce(0) { $0 + $1.1 - $1.0 } / count
      let squares = pairs.reduce(0) { $0 + ($1.1 - $1.0 - mean) * ($1.1 - $1.0 - mean) }
      variance += (squares / count + 1 / count / count) / count
    }
    guard classes > 0 else { return (0, 0, 0) }
    return (before / classes, after / classes, variance.squareRoot() / classes)
  }
}
