import MedullaLearning

/// One check of a candidate, in numbers.
package struct GateReading: Sendable, Equatable, Codable {
  package let name: String
  package let value: Double
  package let limit: Double
  package let isOpen: Bool
}

/// What a classifier's snapshot has to pass before it is put into use.
package struct ClassifierGates: Sendable, Equatable, Codable {
  /// Share of recent decisions that may differ from the snapshot in use beyond what labels account for: two
  /// networks differ on no larger share of the flows than both are wrong on together.
  package var unexplainedChange = 0.2
  /// Labels that are needed to account for any; with fewer, no change is held against a candidate.
  package var leastLabels = 20
  /// Accuracy on labels that were held out.
  package var leastHeldOut = 0.5
  /// Decisions that quantization changes: only those count which change the class, since an application
  /// acts on the class alone (as ChameleonAPI counts errors).
  package var largestQuantizationChange = 0.02

  package init() {}

  /// - Parameters:
  ///   - classifier: the candidate in floats, which takes standardized inputs.
  ///   - recent: inputs of the present, as they are.
  ///   - labelled: those of them that have labels.
  ///   - heldOut: inputs that it was not trained on, as they are.
  package func examine(
    _ candidate: ClassifierSnapshot, _ classifier: DenseNetwork, _ standardization: Standardization,
    inUse: ClassifierSnapshot?, recent: [[Float]], labelled: [TrainingRow],
    heldOut: [TrainingRow]
  ) -> [GateReading] {
    var readings: [GateReading] = []
    let decisions = recent.map(candidate.decide)
    func share(_ count: Int, of all: Int) -> Double { all > 0 ? Double(count) / Double(all) : 0 }
    if let inUse {
      let changed = zip(recent, decisions).filter { inUse.decide($0) != $1 }.count
      var limit = 1.0
      if labelled.count >= leastLabels {
        let wrong = [inUse, candidate].map { one in
          labelled.filter { one.decide($0.features) != $0.label }.count
        }
        limit = min(wrong.reduce(0) { $0 + share($1, of: labelled.count) } + unexplainedChange, 1)
      }
      readings.append(reading("agreement", share(changed, of: recent.count), atMost: limit))
    }
    let moved = zip(recent, decisions).filter {
      ClassifierSnapshot.largest(classifier(standardization.apply($0))) != $1
    }.count
    readings.append(
      reading("quantization", share(moved, of: recent.count), atMost: largestQuantizationChange))
    if !heldOut.isEmpty {
      let right = heldOut.filter { candidate.decide($0.features) == $0.label }.count
      let value = share(right, of: heldOut.count)
      readings.append(
        GateReading(
          name: "held out", value: value, limit: leastHeldOut, isOpen: value >= leastHeldOut))
    }
    return readings
  }

  private func reading(_ name: String, _ value: Double, atMost limit: Double) -> GateReading {
    GateReading(name: name, value: value, limit: limit, isOpen: value <= limit)
  }
}
