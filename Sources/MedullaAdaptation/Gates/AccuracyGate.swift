/// Open when the candidate's integers are close to its floats.
package struct AccuracyGate: Gate, Equatable {
  package let name = GateName.accuracy
  package let settings: GateSettings.Accuracy

  package init(_ settings: GateSettings.Accuracy) {
    self.settings = settings
  }

  package mutating func answer(_ question: GateQuestion, at now: Duration) -> GateDecision? {
    guard case .candidate(let candidate) = question else { return nil }
    return decide(error: candidate.error, samples: candidate.samples)
  }

  /// - Parameter error: the mean error as a part of the output's range (`AccuracyReport.worstMean`).
  package func decide(error: Double, samples: Int) -> GateDecision {
    let isOpen = error <= settings.maxError
    return GateDecision(
      name, isOpen: isOpen,
      Evidence(
        value: error.isFinite ? error : nil, threshold: settings.maxError, unit: .partOfOutputRange,
        count: samples,
        reason: isOpen ? "the candidate keeps the network's outputs" : "the candidate loses too much"))
  }
}
