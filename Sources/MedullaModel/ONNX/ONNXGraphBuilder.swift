import Foundation

/// An ONNX graph under construction: one or a few nodes for each layer.
struct ONNXGraphBuilder {
  private var graph = ONNXGraphProto()
  private let network: Network
  /// Begins the names of all tensors between input and output, which it is no prefix of.
  private let prefix: String
  private var current: String
  private var shape: TensorShape
  private var layer = 0

  init(_ network: Network) {
    self.network = network
    var prefix = "layer"
    while network.inputName.hasPrefix(prefix) || network.outputName.hasPrefix(prefix) {
      prefix = "_" + prefix
    }
    self.prefix = prefix
    current = network.inputName
    shape = network.inputShape
    graph.name = network.name
    graph.input = [.tensor(network.inputName, network.inputShape)]
    graph.output = [.tensor(network.outputName, network.outputShape)]
  }

  private var name: String { "\(prefix)\(layer)" }

  mutating func append(_ layer: Layer, _ output: TensorShape) {
    switch layer {
    case .dense(let dense): append(dense)
    case .convolution(let convolution): append(convolution)
    case .pool(let pool): append(pool)
    case .activation(let activation): append(activation)
    case .rearrange(let rearrangement): append(rearrangement)
    case .softmax: node("Softmax", attributes: [.integer("axis", -1)])
    case .argmax:
      node("ArgMax", part: ".index", attributes: [.integer("axis", 1), .integer("keepdims", 1)])
      node("Cast", attributes: [.integer("to", ONNXTensorProto.DataType.float.rawValue)])
    }
    shape = output
    self.layer += 1
  }

  /// The graph, its last node renamed to give the network's output.
  mutating func finish() -> ONNXGraphProto {
    if graph.node.isEmpty { node("Identity") }
    graph.node[graph.node.count - 1].output = [network.outputName]
    return graph
  }

  private mutating func append(_ dense: Dense) {
    let weights = floats(".weight", [dense.outputs, dense.inputs], dense.weights)
    let bias = floats(".bias", [dense.outputs], dense.bias)
    node("Gemm", parameters: [weights, bias], attributes: [.integer("transB", 1)])
  }

  private mutating func append(_ convolution: Convolution) {
    let kernel = convolution.kernel
    let sizes = [
      convolution.outputChannels, convolution.inputChannels / convolution.groups, kernel.height, kernel.width,
    ]
    let weights = floats(".weight", sizes, convolution.weights)
    let bias = floats(".bias", [convolution.outputChannels], convolution.bias)
    node(
      "Conv", parameters: [weights, bias],
      attributes: [
        .extent("kernel_shape", kernel), .extent("strides", convolution.strides),
        .extent("dilations", convolution.dilations), .padding("pads", convolution.padding),
        .integer("group", convolution.groups),
      ])
  }

  private mutating func append(_ pool: Pool) {
    var attributes: [ONNXAttributeProto] = [
      .extent("kernel_shape", pool.kernel), .extent("strides", pool.strides), .padding("pads", pool.padding),
    ]
    switch pool.kind {
    case .max: node("MaxPool", attributes: attributes)
    case .average(let countsPadding):
      attributes.append(.integer("count_include_pad", countsPadding ? 1 : 0))
      node("AveragePool", attributes: attributes)
    }
  }

  private mutating func append(_ activation: Activation) {
    switch activation {
    case .relu: node("Relu")
    case .leakyRelu(let slope): node("LeakyRelu", attributes: [.float("alpha", slope)])
    case .clip(let minimum, let maximum):
      let limits = [floats(".minimum", [], [minimum]), floats(".maximum", [], [maximum])]
      node("Clip", parameters: limits)
    case .tanh: node("Tanh")
    case .sigmoid: node("Sigmoid")
    case .hardSigmoid(let alpha, let beta):
      node("HardSigmoid", attributes: [.float("alpha", alpha), .float("beta", beta)])
    }
  }

  /// Selects from the flattened tensor where the order changes, and reshapes where the shape does.
  private mutating func append(_ rearrangement: Rearrangement) {
    let isInOrder =
      rearrangement.indices.count == shape.count
      && rearrangement.indices.enumerated().allSatisfy { $0.offset == $0.element }
    if !isInOrder {
      if shape.rank != 1 { node("Flatten", part: ".flat") }
      let indices = integers(".indices", rearrangement.indices)
      let isLast = rearrangement.shape.rank == 1
      node(
        "Gather", part: isLast ? "" : ".selected", parameters: [indices], attributes: [.integer("axis", 1)])
      if isLast { return }
    }
    let target = integers(".shape", [-1] + rearrangement.shape.dimensions)
    node("Reshape", parameters: [target])
  }

  // MARK: Nodes and tensors

  /// Appends a node of the current tensor and makes its output the current one.
  private mutating func node(
    _ operation: String, part: String = "", parameters: [String] = [], attributes: [ONNXAttributeProto] = []
  ) {
    let output = name + part + ".output"
    graph.node.append(
      .with {
        $0.name = name + part
        $0.opType = operation
        $0.input = [current] + parameters
        $0.output = [output]
        $0.attribute = attributes
      })
    current = output
  }

  private mutating func floats(_ part: String, _ dimensions: [Int], _ values: [Float]) -> String {
    append(part, dimensions, .float, values.map(\.bitPattern.littleEndian).withUnsafeBytes { Data($0) })
  }

  private mutating func integers(_ part: String, _ values: [Int]) -> String {
    append(part, [values.count], .int64, values.map { Int64($0).littleEndian }.withUnsafeBytes { Data($0) })
  }

  private mutating func append(
    _ part: String, _ dimensions: [Int], _ type: ONNXTensorProto.DataType, _ bytes: Data
  ) -> String {
    graph.initializer.append(
      .with {
        $0.name = name + part
        $0.dims = dimensions.map { Int64($0) }
        $0.dataType = type
        $0.rawData = bytes
      })
    return name + part
  }
}

extension ONNXAttributeProto {
  fileprivate static func integer(_ name: String, _ value: Int) -> Self {
    .with { ($0.name, $0.type, $0.i) = (name, .int, Int64(value)) }
  }

  fileprivate static func float(_ name: String, _ value: Float) -> Self {
    .with { ($0.name, $0.type, $0.f) = (name, .float, value) }
  }

  fileprivate static func extent(_ name: String, _ extent: Extent) -> Self {
    .with { ($0.name, $0.type, $0.ints) = (name, .ints, [Int64(extent.height), Int64(extent.width)]) }
  }

  fileprivate static func padding(_ name: String, _ padding: Padding) -> Self {
    let sizes = [padding.top, padding.left, padding.bottom, padding.right].map { Int64($0) }
    return .with { ($0.name, $0.type, $0.ints) = (name, .ints, sizes) }
  }
}

extension ONNXValueInfoProto {
  /// A float32 tensor with a symbolic batch dimension first.
  fileprivate static func tensor(_ name: String, _ shape: TensorShape) -> Self {
    var type = ONNXTypeProto.Tensor()
    type.elemType = .float
    type.shape.dim = [.with { $0.dimParam = "batch" }]
    type.shape.dim += shape.dimensions.map { size in .with { $0.dimValue = Int64(size) } }
    return .with {
      $0.name = name
      $0.type.tensorType = type
    }
  }
}
