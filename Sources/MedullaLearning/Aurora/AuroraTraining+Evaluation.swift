import MedullaModel

extension AuroraTraining {
  /// The policy without its noise, in floating point.
  package func evaluationPolicy() -> AuroraEvaluation.Policy {
    let policy = policy
    return { features in
      var pass = NetworkPass(policy)
      let output = pass.forward(AuroraObservation.normalized(features))
      return Int64(min(max(output * AuroraObservation.actionScale, -100), 100) * 65536)
    }
  }
}
