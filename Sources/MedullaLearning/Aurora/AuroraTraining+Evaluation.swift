import MedullaModel

extension AuroraTraining {
  /// The policy without its noise, in floating point.
  package func evaluationPolicy() -> AuroraEvaluation.Policy { AuroraEvaluation.policy(policy) }
}
