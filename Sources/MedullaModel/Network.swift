/// A float network as trained: a chain of layers from one input tensor to one output tensor.
///
/// A `Network` is checked when it is made: every layer's parameters have the size that its shape needs,
/// every value is finite, and each layer accepts the shape that the one before gives.
package struct Network: Equatable, Sendable {
  package let name: String
  package let inputName: String
  package let outputName: String
  package let inputShape: TensorShape
  package let layers: [Layer]
  /// The shape after each layer; the same length as `layers`.
  package let layerShapes: [TensorShape]

  package var outputShape: TensorShape { layerShapes.last ?? inputShape }

  /// - Throws: `ModelError` that names the layer by its position and kind.
  package init(
    name: String, inputName: String = "input", outputName: String = "output", inputShape: TensorShape,
    layers: [Layer]
  ) throws(ModelError) {
    guard inputShape.isUsable else {
      throw ModelError(
        .unsupportedShape,
        "input \(inputName) has shape \(inputShape); that needs 1 to \(ModelLimits.rank) positive dimensions "
          + "and at most \(ModelLimits.tensorElements) elements")
    }
    guard layers.count <= ModelLimits.layers else {
      throw ModelError(
        .unsupportedShape,
        "network \(name) has \(layers.count) layers; at most \(ModelLimits.layers) are read")
    }
    var shape = inputShape
    var shapes: [TensorShape] = []
    var parameters = 0
    for (index, layer) in layers.enumerated() {
      shape = try layer.outputShape(from: shape, position: index)
      shapes.append(shape)
      parameters += layer.parameterCount
    }
    guard parameters <= ModelLimits.parameters else {
      throw ModelError(
        .unsupportedShape,
        "network \(name) has \(parameters) parameters; at most \(ModelLimits.parameters) are read")
    }
    self.name = name
    self.inputName = inputName
    self.outputName = outputName
    self.inputShape = inputShape
    self.layers = layers
    self.layerShapes = shapes
  }
}
