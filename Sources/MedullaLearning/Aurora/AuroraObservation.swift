import CMedullaABI
import MedullaModel

/// How the raw features of the controller become the inputs that training sees, and back: a fixed clip and
/// an affine map for each kind of feature. The map is folded into the first layer of what is exported; the
/// clip is what the calibration file tells the quantizer.
package enum AuroraObservation {
  package static let features = Int(MCC_FEATURES)

  struct Kind {
    let range: ClosedRange<Float>
    let center: Float
    let scale: Float
  }

  /// Latency inflation, latency ratio, send ratio.
  static let kinds = [
    Kind(range: -1...1, center: 0, scale: 4),
    Kind(range: 1...4, center: 1, scale: 5),
    Kind(range: 0.5...2, center: 1, scale: 4),
  ]

  /// One unit of the trained network's output is this much action.
  static let actionScale: Float = 2

  @inline(__always)
  static func clipped(_ q16: Int64, at index: Int) -> Float {
    let range = kinds[index % 3].range
    return min(max(Float(q16) / 65536, range.lowerBound), range.upperBound)
  }

  /// The features in natural units, clipped to the range that the policy tells apart.
  package static func clipped(_ q16: UnsafePointer<Int64>) -> [Float] {
    (0..<features).map { clipped(q16[$0], at: $0) }
  }

  static func normalized(_ q16: UnsafePointer<Int64>) -> [Float] {
    (0..<features).map { (clipped(q16[$0], at: $0) - kinds[$0 % 3].center) * kinds[$0 % 3].scale }
  }

  /// The policy as a network from raw features `[30]` to the action `[1]`.
  /// - Throws: `ModelError` when a weight is not finite.
  package static func export(_ policy: DenseNetwork, name: String) throws(ModelError) -> Network {
    var raw = policy
    for input in 0..<policy.inputs {
      let kind = kinds[input % 3]
      for output in 0..<policy.widths[1] {
        let place = input * policy.widths[1] + output
        raw.parameters[place] *= kind.scale
        raw.parameters[policy.inputs * policy.widths[1] + output] -= raw.parameters[place] * kind.center
      }
    }
    for place in policy.offset(ofLayer: policy.layerCount - 1)..<policy.parameters.count {
      raw.parameters[place] *= actionScale
    }
    return try raw.network(name: name, inputName: "observation", outputName: "action")
  }

  /// The inverse of `export`: a network from raw features to the action as a policy on what training sees.
  ///
  /// Any network of dense layers whose first takes 30 features and whose last is linear can be written so:
  /// W·x + b with x = n / scale + center is (W / scale)·n + (b + W·center).
  /// - Throws: `shapeMismatch` for any other network.
  package static func policy(of network: Network) throws(LearningError) -> DenseNetwork {
    var policy = try DenseNetwork(network)
    guard policy.inputs == features, policy.outputs == 1, policy.activations.last == .identity else {
      throw LearningError(
        .shapeMismatch,
        "network \(network.name) takes \(policy.inputs) values to \(policy.outputs); a congestion policy "
          + "takes \(features) to 1, and its last layer is linear")
    }
    for place in policy.offset(ofLayer: policy.layerCount - 1)..<policy.parameters.count {
      policy.parameters[place] /= actionScale
    }
    let first = policy.widths[1]
    for input in 0..<policy.inputs {
      let kind = kinds[input % 3]
      for output in 0..<first {
        let place = input * first + output
        policy.parameters[policy.inputs * first + output] += policy.parameters[place] * kind.center
        policy.parameters[place] /= kind.scale
      }
    }
    return policy
  }
}
