import MedullaModel

extension ConvolutionalNetwork {
  /// A trained network as one that can be trained on. Dropout is not part of what was stored: there is none.
  ///
  /// - Throws: `shapeMismatch` that names the layer which cannot be trained.
  package init(_ network: Network) throws(LearningError) {
    let sizes = network.inputShape.dimensions
    let input =
      sizes.count == 3
      ? ImageShape(channels: sizes[0], height: sizes[1], width: sizes[2])
      : ImageShape(channels: 1, height: 1, width: network.inputShape.count)
    var layers: [ConvolutionalLayer] = []
    var parameters: [Float] = []
    for (index, layer) in network.layers.enumerated() {
      switch layer {
      case .convolution(let convolution) where convolution.isPlain:
        layers.append(.convolution(outputs: convolution.outputChannels, kernel: convolution.kernel.height))
        parameters += convolution.weights + convolution.bias
      case .pool(let pool) where pool == Self.pool: layers.append(.maxPool)
      case .activation(.relu): layers.append(.relu)
      case .dense(let dense):
        layers.append(.dense(outputs: dense.outputs))
        parameters += dense.weights + dense.bias
      case .rearrange(let flattening)
      where flattening.shape.rank == 1 && flattening.indices.elementsEqual(flattening.indices.indices):
        continue
      default:
        throw LearningError(
          .shapeMismatch,
          "layer \(index) (\(layer.kind)) of network \(network.name) cannot be trained natively",
          remedy: "use a Python adapter or an external command for such networks")
      }
    }
    try self.init(input: input, layers: layers, parameters: parameters)
  }

  /// The network in the form that is stored and quantized; dropout is for training only.
  ///
  /// - Throws: `ModelError` when a weight is not finite.
  package func network(
    name: String, inputName: String = "input", outputName: String = "output"
  ) throws(ModelError) -> Network {
    var rest = parameters[...]
    func take(_ count: Int) -> [Float] {
      defer { rest = rest.dropFirst(count) }
      return Array(rest.prefix(count))
    }
    var made: [Layer] = []
    var isFlat = false
    for stage in stages {
      switch stage {
      case .convolution(let stage):
        let extent = Extent(height: stage.kernel, width: stage.kernel)
        made.append(
          .convolution(
            Convolution(
              inputChannels: stage.input.channels, outputChannels: stage.outputs, kernel: extent,
              weights: take(stage.outputs * stage.input.channels * stage.kernel * stage.kernel),
              bias: take(stage.outputs))))
        if stage.pools { made.append(.pool(Self.pool)) }
        if stage.rectifies { made.append(.activation(.relu)) }
      case .dense(let stage):
        if !isFlat {
          let shape = TensorShape([stage.inputs])
          made.append(.rearrange(Rearrangement(indices: Array(0..<stage.inputs), shape: shape)))
          isFlat = true
        }
        made.append(
          .dense(
            Dense(
              inputs: stage.inputs, outputs: stage.outputs, weights: take(stage.inputs * stage.outputs),
              bias: take(stage.outputs))))
        if stage.rectifies { made.append(.activation(.relu)) }
      }
    }
    return try Network(
      name: name, inputName: inputName, outputName: outputName,
      inputShape: TensorShape([input.channels, input.height, input.width]), layers: made)
  }

  private static let pool = Pool(
    kind: .max, kernel: Extent(height: 2, width: 2), strides: Extent(height: 2, width: 2))
}

extension Convolution {
  /// Whether the kernel is square, moves by one, sees all channels and stays inside.
  fileprivate var isPlain: Bool {
    let one = Extent(height: 1, width: 1)
    return kernel.height == kernel.width && strides == one && dilations == one && groups == 1
      && padding == Padding()
  }
}
