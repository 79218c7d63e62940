import CMedullaABI
import MedullaModel

extension AuroraEvaluation {
  /// A float network from 30 raw features to one action as a policy. A network of another shape steers
  /// nothing: its action is 0.
  package static func policy(_ network: Network) -> Policy {
    let reference = FloatReference(network)
    return { features in
      let input = (0..<Int(MCC_FEATURES)).map { Float(features[$0]) / 65536 }
      guard let action = try? reference.run(input).first, action.isFinite else { return 0 }
      return Int64(min(max(action, -100), 100) * 65536)
    }
  }
}
