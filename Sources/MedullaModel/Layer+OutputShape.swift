extension Layer {
  /// The layer's kind as error messages, summaries and `layers.json` name it.
  package var kind: String {
    switch self {
    case .dense: "dense"
    case .convolution: "convolution"
    case .pool: "pool"
    case .activation(let activation): activation.kind
    case .rearrange: "rearrange"
    case .softmax: "softmax"
    case .argmax: "argmax"
    }
  }

  /// Trained values: weights and biases.
  package var parameterCount: Int {
    switch self {
    case .dense(let dense): dense.weights.count + dense.bias.count
    case .convolution(let convolution): convolution.weights.count + convolution.bias.count
    default: 0
    }
  }

  /// The shape that this layer makes of an input shape; checks the layer's parameters on the way.
  ///
  /// - Parameter position: the layer's place in its network, for the error message.
  /// - Throws: `shapeMismatch` when the layer does not accept the shape or its parameters have another size,
  ///   `unsupportedShape` when a size is beyond `ModelLimits`, `unsupportedAttribute` when a value is not
  ///   finite or not in its domain.
  package func outputShape(from input: TensorShape, position: Int) throws(ModelError) -> TensorShape {
    let label = "layer \(position) (\(kind))"
    let output: TensorShape
    switch self {
    case .dense(let dense): output = try dense.outputShape(from: input, label: label)
    case .convolution(let convolution): output = try convolution.outputShape(from: input, label: label)
    case .pool(let pool): output = try pool.outputShape(from: input, label: label)
    case .activation(let activation):
      try activation.check(label: label)
      output = input
    case .rearrange(let rearrangement): output = try rearrangement.outputShape(from: input, label: label)
    case .softmax: output = input
    case .argmax:
      guard input.rank == 1 else {
        throw ModelError(
          .shapeMismatch, "\(label) needs a vector and is given \(input)", remedy: "Flatten before ArgMax.")
      }
      output = TensorShape([1])
    }
    guard output.isUsable else {
      throw ModelError(
        .unsupportedShape,
        "\(label) would make a tensor of shape \(output); at most \(ModelLimits.tensorElements) elements are "
          + "supported")
    }
    return output
  }
}

extension Dense {
  func outputShape(from input: TensorShape, label: String) throws(ModelError) -> TensorShape {
    guard input.rank == 1, input.count == inputs else {
      throw ModelError(
        .shapeMismatch, "\(label) needs a vector of \(inputs) and is given \(input)",
        remedy: input.rank == 1 ? "" : "Flatten before the dense layer.")
    }
    guard outputs > 0, let expected = TensorShape([outputs, inputs]).checkedCount, weights.count == expected,
      bias.count == outputs
    else {
      throw ModelError(
        .shapeMismatch,
        "\(label) has \(weights.count) weights and \(bias.count) biases; \(outputs) outputs of \(inputs) "
          + "inputs need another number")
    }
    try checkFinite(weights, bias, label: label)
    return TensorShape([outputs])
  }
}

extension Rearrangement {
  func outputShape(from input: TensorShape, label: String) throws(ModelError) -> TensorShape {
    guard shape.isUsable, shape.count == indices.count else {
      throw ModelError(.shapeMismatch, "\(label) has \(indices.count) indices for the shape \(shape)")
    }
    let count = input.count
    if let index = indices.first(where: { $0 < 0 || $0 >= count }) {
      throw ModelError(.shapeMismatch, "\(label) takes element \(index) of an input of \(count)")
    }
    return shape
  }
}

extension Activation {
  var kind: String {
    switch self {
    case .relu: "relu"
    case .leakyRelu: "leakyRelu"
    case .clip: "clip"
    case .tanh: "tanh"
    case .sigmoid: "sigmoid"
    case .hardSigmoid: "hardSigmoid"
    }
  }

  func check(label: String) throws(ModelError) {
    switch self {
    case .relu, .tanh, .sigmoid: return
    case .leakyRelu(let slope):
      guard slope.isFinite else {
        throw ModelError(.unsupportedAttribute, "\(label) has slope \(slope), which is not finite")
      }
    case .clip(let minimum, let maximum):
      guard minimum.isFinite, maximum.isFinite, minimum <= maximum else {
        throw ModelError(
          .unsupportedAttribute,
          "\(label) clips to \(minimum)…\(maximum), which is not an interval of finite numbers")
      }
    case .hardSigmoid(let alpha, let beta):
      guard alpha.isFinite, beta.isFinite else {
        throw ModelError(
          .unsupportedAttribute, "\(label) has alpha \(alpha) and beta \(beta), which must be finite")
      }
    }
  }
}

func checkFinite(_ weights: [Float], _ bias: [Float], label: String) throws(ModelError) {
  for (name, values) in [("weight", weights), ("bias", bias)] {
    if let index = values.firstIndex(where: { !$0.isFinite }) {
      throw ModelError(
        .unsupportedAttribute, "\(label) has \(name) \(index) = \(values[index]), which is not finite",
        remedy: "Export the network again from a training run that did not diverge.")
    }
  }
}
