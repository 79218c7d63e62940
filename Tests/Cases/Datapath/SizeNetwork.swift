import MedullaCompile
import MedullaDatapath
import MedullaModel
import MedullaSnapshot

/// A network over features of flows that tells small frames from large ones: below and above 300 bytes on
/// average, with twice the distance as margin.
package enum SizeNetwork {
  package static let labels = ["small", "large"]

  package static let snapshot = Result { () throws -> DatapathSnapshot in
    let flows = FlowInterface(features: ["length_mean"].compactMap(InputFeature.init), labels: labels)
    let network = try Network(
      name: "sizes", inputShape: TensorShape([1]),
      layers: [.dense(Dense(inputs: 1, outputs: 2, weights: [-1, 1], bias: [300, -300]))])
    let samples = stride(from: Float(60), through: 1_500, by: 20).map { [$0] }
    let quantizer = Quantizer(QuantizerOptions(flows: flows))
    let file = try SnapshotFile(quantizer.quantize(network, Calibration(samples: samples)))
    return try DatapathSnapshot(compiling: file, name: network.name, own: [], functions: .all)
  }
}
