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
  private static let recent = [
    Kind(range: -1...1, center: 0, scale: 4),
    Kind(range: 1...4, center: 1, scale: 5),
    Kind(range: 0.5...2, center: 1, scale: 4),
  ]

  /// In the order of `mcc_past_feature`.
  private static let past = [
    Kind(range: 0...4, center: 0, scale: 2),  // least queue
    Kind(range: 0...4, center: 0, scale: 2),  // range of the queue
    Kind(range: 0...1, center: 0.7, scale: 3),  // window over its peak
    Kind(range: 0...1, center: 0.7, scale: 3),  // delivery rate over its peak
    Kind(range: -1...1, center: 0, scale: 2),  // correlation of window and queue
    Kind(range: -2...2, center: 0, scale: 1),  // delivery rate by window
    Kind(range: 0...0.2, center: 0, scale: 20),  // loss
    Kind(range: 0...1, center: 0.5, scale: 2),  // place of the losses
    Kind(range: 0...1, center: 0, scale: 4),  // marks
    Kind(range: 0...4, center: 1, scale: 1),  // shadow over window
    Kind(range: 0...1, center: 0, scale: 2),  // standing queue
    Kind(range: 0...1, center: 0, scale: 2),  // age of the least round trip
    Kind(range: 0...4, center: 0, scale: 1.5),  // queue before a look
    Kind(range: 0...4, center: 0, scale: 1.5),  // and in it
    Kind(range: 0...1, center: 0.5, scale: 2),  // age of the look
    Kind(range: -4...4, center: 0, scale: 0.5),  // mean verdict
    Kind(range: 0...1.5, center: 0.4, scale: 4),  // packets
    Kind(range: 0...1.5, center: 0.9, scale: 4),  // path
    Kind(range: 0...1, center: 0.7, scale: 3),  // window over what it was
    Kind(range: 0...2, center: 0.7, scale: 2),  // delivery rate over what it was
  ]

  /// Of each feature.
  static let kinds = (0..<features).map { index in
    index < Int(MCC_RECENT) ? recent[index % 3] : past[index - Int(MCC_RECENT)]
  }

  /// One unit of the trained network's first output is this much action.
  static let actionScale: Float = 2
  /// Action and verdict.
  static let outputs = 2

  @inline(__always)
  static func clipped(_ q16: Int64, at index: Int) -> Float {
    let range = kinds[index].range
    return min(max(Float(q16) / 65536, range.lowerBound), range.upperBound)
  }

  /// The features in natural units, clipped to the range that the policy tells apart.
  package static func clipped(_ q16: UnsafePointer<Int64>) -> [Float] {
    (0..<features).map { clipped(q16[$0], at: $0) }
  }

  /// The first `width` features as the trained network takes them.
  static func normalized(_ q16: UnsafePointer<Int64>, width: Int = features) -> [Float] {
    (0..<width).map { (clipped(q16[$0], at: $0) - kinds[$0].center) * kinds[$0].scale }
  }

  /// The policy as a network from raw features to the action and, where it has two outputs, the verdict.
  /// - Throws: `ModelError` when a weight is not finite.
  package static func export(_ policy: DenseNetwork, name: String) throws(ModelError) -> Network {
    var raw = policy
    for input in 0..<policy.inputs {
      let kind = kinds[input]
      for output in 0..<policy.widths[1] {
        let place = input * policy.widths[1] + output
        raw.parameters[place] *= kind.scale
        raw.parameters[policy.inputs * policy.widths[1] + output] -= raw.parameters[place] * kind.center
      }
    }
    for place in actionPlaces(policy) { raw.parameters[place] *= actionScale }
    return try raw.network(name: name, inputName: "observation", outputName: "action")
  }

  /// Where the weights and the bias of the first output lie.
  private static func actionPlaces(_ policy: DenseNetwork) -> StrideTo<Int> {
    stride(
      from: policy.offset(ofLayer: policy.layerCount - 1), to: policy.parameters.count, by: policy.outputs)
  }

  /// Whether a network of dense layers takes the controller's features and gives what it can use: Aurora's 30
  /// or all of them, to an action or to action and verdict.
  static func fits(_ policy: DenseNetwork) -> Bool {
    [Int(MCC_RECENT), features].contains(policy.inputs) && [1, outputs].contains(policy.outputs)
  }

  /// The inverse of `export`: a network from raw features as a policy on what training sees.
  ///
  /// Any network of dense layers that `fits` and whose last layer is linear can be written so: W·x + b with
  /// x = n / scale + center is (W / scale)·n + (b + W·center).
  /// - Throws: `shapeMismatch` for any other network.
  package static func policy(of network: Network) throws(LearningError) -> DenseNetwork {
    var policy = try DenseNetwork(network)
    guard fits(policy), policy.activations.last == .identity else {
      throw LearningError(
        .shapeMismatch,
        "network \(network.name) takes \(policy.inputs) values to \(policy.outputs); a congestion policy "
          + "takes \(MCC_RECENT) or \(features) to 1 or \(outputs), and its last layer is linear")
    }
    for place in actionPlaces(policy) { policy.parameters[place] /= actionScale }
    let first = policy.widths[1]
    for input in 0..<policy.inputs {
      let kind = kinds[input]
      for output in 0..<first {
        let place = input * first + output
        policy.parameters[policy.inputs * first + output] += policy.parameters[place] * kind.center
        policy.parameters[place] /= kind.scale
      }
    }
    return policy
  }
}
