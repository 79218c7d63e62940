import MedullaCompile
import MedullaDatapath
import MedullaModel
import MedullaSnapshot

/// Snapshots of one shape, made of networks with the same layers, so that one program serves them all.
struct SnapshotFamily: Sendable {
  /// The first of the family, whose shape the others take.
  private let first: Snapshot
  private let calibration: Calibration

  /// - Parameter samples: observations to calibrate by, `[n][inputs]`.
  init(_ network: Network, samples: [[Float]]) throws {
    calibration = Calibration(samples: samples)
    first = try Quantizer().quantize(network, calibration)
  }

  /// What the kernel takes of another network of the same layers.
  func datapath(_ network: Network, name: String) throws -> DatapathSnapshot {
    let snapshot = try Quantizer(QuantizerOptions(matching: first.shape)).quantize(network, calibration)
    return try DatapathSnapshot(compiling: SnapshotFile(snapshot), name: name)
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
