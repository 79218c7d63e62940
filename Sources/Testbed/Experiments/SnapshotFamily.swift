import MedullaDatapath
import MedullaModel
import MedullaSnapshot
import TestbedMeasures

/// Snapshots of one shape, made of networks with the same layers, so that one program serves them all.
package struct SnapshotFamily: Sendable {
  /// The first of the family, whose shape the others take.
  package let first: Snapshot
  private let calibration: Calibration

  /// - Parameter samples: observations to calibrate by, `[n][inputs]`.
  package init(_ network: Network, samples: [[Float]]) throws {
    calibration = Calibration(samples: samples)
    first = try Quantizer().quantize(network, calibration)
  }

  /// Another network of the same layers.
  package func snapshot(_ network: Network) throws -> Snapshot {
    try Quantizer(QuantizerOptions(matching: first.shape)).quantize(network, calibration)
  }

  /// What the kernel takes of a network.
  package func datapath(_ network: Network, name: String) throws -> DatapathSnapshot {
    try DatapathSnapshot(SnapshotFile(snapshot(network)), name: name)
  }

  /// The shipped network's family, with the observations that come with it.
  package static func shipped(directory: String) throws -> (family: SnapshotFamily, network: Network) {
    let network = try ONNXReader.read(contentsOf: "\(directory)/\(ShippedNetwork.modelName)")
    let samples = try SampleFile.read(
      "\(directory)/\(ShippedNetwork.calibrationName)", elements: network.inputShape.count)
    return (try SnapshotFamily(network, samples: samples), network)
  }
}

extension Network {
  /// The same network with the last dense layer's weights and bias times `factor`.
  func scalingOutput(by factor: Float) throws -> Network {
    var layers = layers
    let last = layers.lastIndex { if case .dense = $0 { true } else { false } }
    if let last, case .dense(let dense) = layers[last] {
      layers[last] = .dense(
        Dense(
          inputs: dense.inputs, outputs: dense.outputs, weights: dense.weights.map { $0 * factor },
          bias: dense.bias.map { $0 * factor }))
    }
    return try Network(
      name: name, inputName: inputName, outputName: outputName, inputShape: inputShape, layers: layers)
  }
}
