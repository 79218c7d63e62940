import MedullaModel

/// How large the terms were that a network summed on the way to each of its outputs.
///
/// A float32 engine may add them in any order, and each order rounds in its own way: the results differ by
/// some units of roundoff of the *terms*, however small the sum that is left of them (Higham, "Accuracy and
/// Stability of Numerical Algorithms", §3.1 and §4.2; here as a running error bound, layer by layer).
struct RoundingScale {
  let network: Network
  let reference: FloatReference

  init(_ network: Network) {
    self.network = network
    reference = FloatReference(network)
  }

  /// - Parameter input: `network.inputShape.count` values, taken as exact.
  /// - Returns: One magnitude for each output element, in the output's unit.
  func magnitudes(_ input: [Float]) throws -> [Float] {
    var scale = [Float](repeating: 0, count: input.count)
    var shape = network.inputShape
    var values = input
    for (index, outputs) in try reference.trace(input).enumerated() {
      scale = try Self.pass(scale, values, through: network.layers[index], shape: shape, outputs: outputs)
      shape = network.layerShapes[index]
      values = outputs
    }
    return scale
  }

  private static func pass(
    _ scale: [Float], _ values: [Float], through layer: Layer, shape: TensorShape, outputs: [Float]
  ) throws -> [Float] {
    func run(_ layer: Layer, _ input: [Float]) throws -> [Float] {
      try FloatReference(Network(name: "scale", inputShape: shape, layers: [layer])).run(input)
    }
    let terms = zip(scale, values).map { $0 + $1.magnitude }
    switch layer {
    case .dense(let dense): return try run(.dense(dense.magnitude), terms)
    case .convolution(let convolution): return try run(.convolution(convolution.magnitude), terms)
    case .pool: return try run(layer, terms)
    case .rearrange: return try run(layer, scale)
    // Every activation is Lipschitz with a constant of at most 1.
    case .activation: return zip(scale, outputs).map { $0 + $1.magnitude }
    case .softmax:
      let largest = scale.max() ?? 0
      return outputs.map { $0 * (1 + 2 * largest) }
    case .argmax: return outputs.map { _ in 0 }
    }
  }
}

extension Dense {
  fileprivate var magnitude: Dense {
    Dense(inputs: inputs, outputs: outputs, weights: weights.map(\.magnitude), bias: bias.map(\.magnitude))
  }
}

extension Convolution {
  fileprivate var magnitude: Convolution {
    Convolution(
      inputChannels: inputChannels, outputChannels: outputChannels, kernel: kernel, strides: strides,
      dilations: dilations, padding: padding, groups: groups, weights: weights.map(\.magnitude),
      bias: bias.map(\.magnitude))
  }
}
