extension Network {
  /// One row of a network's summary.
  public struct LayerSummary: Equatable, Sendable, Codable {
    /// The layer's kind, as `Layer.kind` names it.
    public let kind: String
    public let inputShape: TensorShape
    public let outputShape: TensorShape
    /// Trained values: weights and biases.
    public let parameters: Int
  }

  /// Every layer's kind, shapes and number of parameters, in order.
  public var summary: [LayerSummary] {
    zip(layers, zip([inputShape] + layerShapes, layerShapes)).map { layer, shapes in
      LayerSummary(
        kind: layer.kind, inputShape: shapes.0, outputShape: shapes.1, parameters: layer.parameterCount)
    }
  }

  /// Weights and biases of all layers.
  public var parameterCount: Int { layers.reduce(0) { $0 + $1.parameterCount } }
}
