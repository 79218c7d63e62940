import CMedullaABI
import MedullaModel

extension AuroraEvaluation {
  /// A float network from the controller's features, or Aurora's alone, to an action, or to action and
  /// verdict, as a policy. A network of another shape steers nothing: its action is 0.
  package static func policy(_ network: Network) -> Policy {
    let reference = FloatReference(network)
    let width = min(network.inputShape.count, Int(MCC_FEATURES))
    return { features in
      let input = (0..<width).map { Float(features[$0]) / 65536 }
      guard let said = try? reference.run(input), said.allSatisfy(\.isFinite), let action = said.first else {
        return 0
      }
      return outputs(action, said.count > 1 ? said[1] : nil)
    }
  }

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
