import MedullaModel

extension DenseNetwork {
  /// The largest width and number of parameters that are trained natively.
  static let widthLimit = 4_096
  static let parameterLimit = 4 << 20

  /// A trained network as one that can be trained on: dense layers, each followed by nothing, tanh or ReLU.
  ///
  /// - Throws: `shapeMismatch` that names the layer that is something else.
  package init(_ network: Network) throws(LearningError) {
    var widths = [network.inputShape.count]
    var activations: [Activation] = []
    var parameters: [Float] = []
    for (index, layer) in network.layers.enumerated() {
      switch layer {
      case .dense(let dense):
        guard dense.outputs <= Self.widthLimit, dense.inputs <= Self.widthLimit else {
          throw Self.refusal(network, index, "more than \(Self.widthLimit) inputs or outputs")
        }
        widths.append(dense.outputs)
        activations.append(.identity)
        for input in 0..<dense.inputs {
          for output in 0..<dense.outputs { parameters.append(dense.weights[output * dense.inputs + input]) }
        }
        parameters += dense.bias
        guard parameters.count <= Self.parameterLimit else {
          throw Self.refusal(network, index, "more than \(Self.parameterLimit) parameters before it")
        }
      case .activation(.tanh) where activations.last == .identity:
        activations[activations.count - 1] = .tanh
      case .activation(.relu) where activations.last == .identity:
        activations[activations.count - 1] = .relu
      default:
        throw Self.refusal(network, index, "no dense layer with tanh, ReLU or nothing after it")
      }
    }
    guard !activations.isEmpty else {
      throw LearningError(.shapeMismatch, "network \(network.name) has no layers to train")
    }
    try self.init(widths: widths, activations: activations, parameters: parameters)
  }

  /// - Throws: `shapeMismatch` when the number of parameters is not what the widths give.
  package init(
    widths: [Int], activations: [Activation], parameters: [Float]
  ) throws(LearningError) {
    self.init(unchecked: widths, activations, parameters)
    guard isSound else {
      throw LearningError(
        .shapeMismatch,
        "\(widths), \(activations.count) activations and \(parameters.count) parameters "
          + "are no network of finite numbers")
    }
  }

  /// The network in the form that is stored and quantized.
  ///
  /// - Throws: `ModelError` when a weight is not finite.
  package func network(
    name: String, inputName: String = "input", outputName: String = "output"
  ) throws(ModelError) -> Network {
    var layers: [Layer] = []
    for layer in 0..<layerCount {
      let (ins, outs) = (widths[layer], widths[layer + 1])
      let start = offset(ofLayer: layer)
      var weights = [Float](repeating: 0, count: ins * outs)
      for input in 0..<ins {
        for output in 0..<outs { weights[output * ins + input] = parameters[start + input * outs + output] }
      }
      let bias = Array(parameters[(start + ins * outs)..<(start + (ins + 1) * outs)])
      layers.append(.dense(Dense(inputs: ins, outputs: outs, weights: weights, bias: bias)))
      switch activations[layer] {
      case .identity: break
      case .tanh: layers.append(.activation(.tanh))
      case .relu: layers.append(.activation(.relu))
      }
    }
    return try Network(
      name: name, inputName: inputName, outputName: outputName, inputShape: TensorShape([inputs]),
      layers: layers)
  }

  private static func refusal(_ network: Network, _ index: Int, _ what: String) -> LearningError {
    LearningError(
      .shapeMismatch, "layer \(index) of network \(network.name) cannot be trained natively: \(what)",
      remedy: "use a Python adapter or an external command for such networks")
  }
}
