/// Open when the candidate's integers are close to its floats.
public struct AccuracyGate: Sendable, Equatable {
  public let settings: GateSettings.Accuracy

  public init(_ settings: GateSettings.Accuracy) {
    self.settings = settings
  }

  /// - Parameter error: the mean error as a part of the output's range (`AccuracyReport.worstMean`).
  public func decide(error: Double) -> GateDecision {
    let isOpen = error <= settings.maxError
    return GateDecision(
      .accuracy, isOpen: isOpen, value: error.isFinite ? error : nil, threshold: settings.maxError,
      reason: isOpen ? "the candidate keeps the network's outputs" : "the candidate loses too much")
  }
}
