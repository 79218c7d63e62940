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
}
