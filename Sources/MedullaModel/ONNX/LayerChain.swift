/// The layers of a network while a graph is read, and how views of their output become layers.
struct LayerChain {
  /// Elements that views may hold in total: bounds the memory and time that a small file can ask for.
  static let viewElements = 1 << 25
  /// Width up to which a scale and shift of a vector becomes a diagonal dense layer.
  static let diagonalWidth = 2048

  private(set) var layers: [Layer] = []
  private(set) var shape: TensorShape
  /// Counts changes, so that views of an earlier state are known as branches.
  private(set) var revision = 0
  private var elements = 0
  private var parameters = 0

  init(inputShape: TensorShape) {
    shape = inputShape
  }

  var last: Layer? { layers.last }

  mutating func append(_ layer: Layer, _ node: ONNXNode) throws(ModelError) {
    guard layers.count < ModelLimits.layers else {
      throw node.error(.unsupportedShape, "the network has more than \(ModelLimits.layers) layers")
    }
    parameters += layer.parameterCount
    guard parameters <= ModelLimits.parameters else {
      throw node.error(.unsupportedShape, "the network has more than \(ModelLimits.parameters) parameters")
    }
    do {
      shape = try layer.outputShape(from: shape, position: layers.count)
    } catch {
      throw ModelError(error.code, "\(node.label): \(error.message)", remedy: error.remedy)
    }
    layers.append(layer)
    revision += 1
  }

  /// Replaces the last layer by one of the same shape with other parameters.
  mutating func replaceLast(_ layer: Layer) {
    layers[layers.count - 1] = layer
    revision += 1
  }

  /// Counts elements that a view is about to hold.
  mutating func charge(_ dimensions: [Int], _ node: ONNXNode) throws(ModelError) {
    guard let count = TensorShape(dimensions).checkedCount, count <= ModelLimits.tensorElements,
      elements + count <= Self.viewElements
    else {
      throw node.error(
        .unsupportedShape, "rearranging to \(dimensions) makes more elements than this reader accepts",
        remedy: "At most \(Self.viewElements) in the whole graph; simplify it with onnxsim.")
    }
    elements += count
  }

  /// Refuses a tensor from before the last layer.
  func check(_ flow: ONNXFlow, _ node: ONNXNode) throws(ModelError) {
    guard flow.revision == revision else {
      throw node.error(
        .unsupportedOperator,
        "uses a tensor from before the last layer, so the graph has branches that compute",
        remedy: "Only chains of layers are supported; remove skip connections or choose one output.")
    }
  }

  /// Makes the last layer's output equal to the flow, in the given shape, by adding layers where needed.
  mutating func settle(_ flow: ONNXFlow, as target: TensorShape, _ node: ONNXNode) throws(ModelError) {
    try check(flow, node)
    guard target.count == flow.count else {
      throw node.error(.shapeMismatch, "cannot see \(flow.shape) as \(target)")
    }
    guard let affine = flow.affine else { return try rearrange(flow, as: target, node) }
    if target.rank == 3, let channels = affine.perChannel(target) {
      try rearrange(flow, as: target, node)
      try append(.convolution(.diagonal(channels)), node)
    } else {
      let width = target.count
      guard width <= Self.diagonalWidth else {
        throw node.error(
          .unsupportedShape,
          "scales \(width) elements one by one where no dense layer or convolution can take it in",
          remedy: "Scale before a Gemm or Conv, or use one factor for each channel.")
      }
      try charge([width, width], node)
      try rearrange(flow, as: TensorShape([width]), node)
      try append(.dense(.diagonal(affine)), node)
      if target.rank > 1 { try rearrange(view(target.dimensions), as: target, node) }
    }
  }

  /// A view of the whole output of the last layer.
  func view(_ dimensions: [Int], shape: TensorShape? = nil) -> ONNXFlow {
    ONNXFlow(revision: revision, dimensions: dimensions, shape: shape)
  }

  private mutating func rearrange(
    _ flow: ONNXFlow, as target: TensorShape, _ node: ONNXNode
  ) throws(ModelError) {
    let isInOrder = flow.isWhole(of: shape.count)
    guard !isInOrder || shape != target else { return }
    try charge(target.dimensions, node)
    let indices = flow.indices ?? Array(0..<target.count)
    try append(.rearrange(Rearrangement(indices: indices, shape: target)), node)
  }
}

extension ONNXFlow {
  /// Whether this is every element of a tensor of `count`, in order.
  func isWhole(of count: Int) -> Bool {
    guard let indices else { return true }
    return indices.count == count && indices.enumerated().allSatisfy { $0.offset == $0.element }
  }
}

extension ONNXFlow.Affine {
  /// One scale and offset for each channel of `[channels, height, width]`, or nil when they vary within one.
  func perChannel(_ shape: TensorShape) -> ONNXFlow.Affine? {
    let channels = shape.dimensions[0]
    let area = scale.count / channels
    var result = ONNXFlow.Affine(scale: [], offset: [])
    for channel in 0..<channels {
      let range = channel * area..<(channel + 1) * area
      let (a, b) = (scale[range.lowerBound], offset[range.lowerBound])
      guard scale[range].allSatisfy({ $0 == a }), offset[range].allSatisfy({ $0 == b }) else { return nil }
      result.scale.append(a)
      result.offset.append(b)
    }
    return result
  }
}

extension Convolution {
  /// A scale and offset for each channel, as a 1 × 1 convolution of each channel by itself.
  fileprivate static func diagonal(_ affine: ONNXFlow.Affine) -> Convolution {
    let channels = affine.scale.count
    return Convolution(
      inputChannels: channels, outputChannels: channels, kernel: Extent(height: 1, width: 1),
      groups: channels,
      weights: affine.scale.map { Float($0) }, bias: affine.offset.map { Float($0) })
  }
}

extension Dense {
  fileprivate static func diagonal(_ affine: ONNXFlow.Affine) -> Dense {
    let width = affine.scale.count
    var weights = [Float](repeating: 0, count: width * width)
    for index in 0..<width { weights[index * width + index] = Float(affine.scale[index]) }
    return Dense(inputs: width, outputs: width, weights: weights, bias: affine.offset.map { Float($0) })
  }
}
