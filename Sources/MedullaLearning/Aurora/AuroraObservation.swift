import CCongestion
import MedullaModel

/// How the raw features of the controller become the inputs that training sees, and back: a fixed clip and
/// an affine map for each kind of feature. The map is folded into the first layer of what is exported; the
/// clip is what the calibration file tells the quantizer.
public enum AuroraObservation {
  public static let features = Int(MCC_FEATURES)

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
  public static func clipped(_ q16: UnsafePointer<Int64>) -> [Float] {
    (0..<features).map { clipped(q16[$0], at: $0) }
  }

  static func normalized(_ q16: UnsafePointer<Int64>) -> [Float] {
    (0..<features).map { (clipped(q16[$0], at: $0) - kinds[$0 % 3].center) * kinds[$0 % 3].scale }
  }

  /// The policy as a network from raw features `[30]` to the action `[1]`.
  /// - Throws: `ModelError` when a weight is not finite.
  public static func export(_ policy: DenseNetwork, name: String) throws(ModelError) -> Network {
    var layers: [Layer] = []
    for layer in 0..<policy.layerCount {
      let (inputs, outputs) = (policy.widths[layer], policy.widths[layer + 1])
      let start = policy.offset(ofLayer: layer)
      var weights = [Float](repeating: 0, count: inputs * outputs)
      var bias = Array(policy.parameters[(start + inputs * outputs)..<(start + (inputs + 1) * outputs)])
      for input in 0..<inputs {
        for output in 0..<outputs {
          var weight = policy.parameters[start + input * outputs + output]
          if layer == 0 {
            let kind = kinds[input % 3]
            weight *= kind.scale
            bias[output] -= weight * kind.center
          }
          if layer == policy.layerCount - 1 { weight *= actionScale }
          weights[output * inputs + input] = weight
        }
      }
      if layer == policy.layerCount - 1 { bias = bias.map { $0 * actionScale } }
      layers.append(.dense(Dense(inputs: inputs, outputs: outputs, weights: weights, bias: bias)))
      switch policy.activations[layer] {
      case .identity: break
      case .tanh: layers.append(.activation(.tanh))
      case .relu: layers.append(.activation(.relu))
      }
    }
    return try Network(
      name: name, inputName: "observation", outputName: "action",
      inputShape: TensorShape([policy.inputs]), layers: layers)
  }
}
