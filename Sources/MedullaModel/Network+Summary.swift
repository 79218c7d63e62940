extension Network {
  /// One row of a network's summary.
  package struct LayerSummary: Equatable, Sendable, Codable {
    /// The layer's kind, as `Layer.kind` names it.
    package let kind: String
    package let inputShape: TensorShape
    package let outputShape: TensorShape
    /// Trained values: weights and biases.
    package let parameters: Int
  }

  /// Every layer's kind, shapes and number of parameters, in order.
  package var summary: [LayerSummary] {
    zip(layers, zip([inputShape] + layerShapes, layerShapes)).map { layer, shapes in
      LayerSummary(
        kind: layer.kind, inputShape: shapes.0, outputShape: shapes.1, parameters: layer.parameterCount)
    }
  }

  /// Weights and biases of all layers.
  package var parameterCount: Int { layers.reduce(0) { $0 + $1.parameterCount } }
}

extension Network {
  /// Multiply-accumulates of one inference.
  package var multiplyAccumulates: Int {
    zip(layers, layerShapes).reduce(0) { sum, layer in
      switch layer.0 {
      case .dense(let dense): sum + dense.weights.count
      case .convolution(let convolution):
        sum + convolution.weights.count * layer.1.dimensions.dropFirst().reduce(1, *)
      case .pool, .activation, .rearrange, .softmax, .argmax: sum
      }
    }
  }
}
