import MedullaCompile
import MedullaDatapath
import MedullaModel
import MedullaSnapshot

/// Snapshots of one shape, made of networks with the same layers, so that one program serves them all.
struct SnapshotFamily: Sendable {
  /// The first of the family, whose shape the others take.
  private let first: Snapshot
  private let samples: [[Float]]
  private let calibration: Calibration

  /// - Parameter samples: observations to calibrate by, `[n][inputs]`.
  init(_ network: Network, samples: [[Float]]) throws {
    self.samples = samples
    calibration = Calibration(samples: samples)
    first = try Quantizer().quantize(network, calibration)
  }

  /// Another network of the same layers, in the family's shape.
  func snapshot(_ network: Network) throws -> Snapshot {
    try Quantizer(QuantizerOptions(matching: first.shape)).quantize(network, calibration)
  }

  /// What the kernel takes of it.
  func datapath(_ network: Network, name: String) throws -> DatapathSnapshot {
    try DatapathSnapshot(compiling: SnapshotFile(snapshot(network)), name: name)
  }

  /// How much actions change on the calibration samples from each of some networks to the next, and from the
  /// last to the first: the mean of the absolute differences over the range of the family's first outputs. Of
  /// integers, as the kernel has them.
  func changes(_ networks: [Network]) throws -> [Double] {
    let outputs = try networks.map { try actions(snapshot($0)) }
    let range = actions(first)
    let width = Double((range.max() ?? 0) - (range.min() ?? 0))
    guard width > 0 else { return [] }
    return outputs.indices.map { index in
      let next = outputs[(index + 1) % outputs.count]
      let sum = zip(outputs[index], next).reduce(0.0) { $0 + Double(abs($1.1 - $1.0)) }
      return sum / Double(samples.count) / width
    }
  }

  private func actions(_ snapshot: Snapshot) -> [Int64] {
    let interpreter = ReferenceInterpreter(snapshot)
    return samples.map { interpreter.run(features: interpreter.fixedPoint($0))[0] }
  }
}

extension Network {
  /// The same network with the last dense layer's weights and bias times `factor`, and then `shift` more.
  func scalingOutput(by factor: Float, shiftedBy shift: Float = 0) throws -> Network {
    var layers = layers
    let last = layers.lastIndex { if case .dense = $0 { true } else { false } }
    if let last, case .dense(let dense) = layers[last] {
      layers[last] = .dense(
        Dense(
          inputs: dense.inputs, outputs: dense.outputs, weights: dense.weights.map { $0 * factor },
          bias: dense.bias.map { $0 * factor + shift }))
    }
    return try Network(
      name: name, inputName: inputName, outputName: outputName, inputShape: inputShape, layers: layers)
  }
}
