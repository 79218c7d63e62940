import MedullaBase
import MedullaModel
import MedullaSnapshot

/// The network that packets are decided by: 16-8-4-2 with ReLU, over features of flows. Its weights are
/// drawn: how long it takes does not depend on them.
package enum RateNetwork {
  static let widths = [16, 8, 4, 2]
  static let labels = ["one", "other"]
  /// Those of the classifier's example, and four more of their kind.
  static let features = [
    "protocol", "packets_backward", "log2(1+duration)", "log2(1+bytes_forward)", "log2(1+bytes_backward)",
    "log2(1+payload_forward_maximum)", "log2(1+payload_backward_maximum)", "log2(1+length_deviation)",
    "log2(1+gap_mean)", "log2(1+gap_maximum)", "log2(1+gap_deviation)", "psh_flags",
    "log2(1+packets_forward)", "length_mean", "length_maximum", "destination_port",
  ]

  package static func file(seed: UInt64 = 16) throws -> SnapshotFile {
    var random = SeededGenerator(seed: seed)
    var layers: [Layer] = []
    for (index, (inputs, outputs)) in zip(widths, widths.dropFirst()).enumerated() {
      let scale = 2 / Double(inputs).squareRoot()
      let weights = (0..<inputs * outputs).map { _ in Float((random.unit() * 2 - 1) * scale) }
      let bias = (0..<outputs).map { _ in Float(random.unit() * 0.2) }
      layers.append(.dense(Dense(inputs: inputs, outputs: outputs, weights: weights, bias: bias)))
      if index < widths.count - 2 { layers.append(.activation(.relu)) }
    }
    let network = try Network(name: "rate", inputShape: TensorShape([widths[0]]), layers: layers)
    let samples = (0..<256).map { _ in (0..<widths[0]).map { _ in Float(random.unit() * 40) } }
    let flows = FlowInterface(features: features.compactMap(InputFeature.init), labels: labels)
    return try SnapshotFile(
      Quantizer(QuantizerOptions(flows: flows)).quantize(network, Calibration(samples: samples)))
  }
}
