import MedullaModel

extension AuroraTraining {
  /// The policy without its noise, in floating point.
  package func evaluationPolicy() -> AuroraEvaluation.Policy { AuroraEvaluation.policy(policy) }
}

extension AuroraEvaluation {
  /// A policy on what training sees, in floating point.
  static func policy(_ policy: DenseNetwork) -> Policy {
    { features in
      var pass = NetworkPass(policy)
      let output = pass.forward(AuroraObservation.normalized(features, width: policy.inputs))
      return outputs(
        output * AuroraObservation.actionScale, policy.outputs > 1 ? pass.second : nil)
    }
  }

  /// Bounded to what the controller can be given.
  static func outputs(_ action: Float, _ verdict: Float?) -> SteeringOutputs {
    var outputs = SteeringOutputs(action: Int64(min(max(action, -100), 100) * 65536))
    if let verdict { outputs.verdict = Int64(min(max(verdict, -100), 100) * 65536) }
    return outputs
  }
}
