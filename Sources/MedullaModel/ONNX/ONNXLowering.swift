/// Turns the nodes of an ONNX graph, in order, into a chain of layers.
///
/// Names stand for values: constants are computed on the spot, tensors that depend on the input are views of
/// the chain's last layer. The batch axis is 1 throughout. Each operator has its own file in `Operators/`.
struct ONNXLowering {
  var chain: LayerChain
  private var values: [String: ONNXValue] = [:]
  private let initializers: [String: ONNXTensorProto]
  private let nodes: [ONNXNode]
  private let interface: ONNXInterface
  private let external: ONNXReader.ExternalData

  init(
    graph: ONNXGraphProto, opset: Int, interface: ONNXInterface, external: @escaping ONNXReader.ExternalData
  ) throws(ModelError) {
    guard graph.node.count <= ModelLimits.nodes else {
      throw ModelError(
        .unsupportedShape, "the graph has \(graph.node.count) nodes; at most \(ModelLimits.nodes) are read")
    }
    self.interface = interface
    self.external = external
    nodes = graph.node.enumerated().map { ONNXNode(proto: $0.element, opset: opset, position: $0.offset) }
    chain = LayerChain(inputShape: interface.inputShape)
    var initializers: [String: ONNXTensorProto] = [:]
    for tensor in graph.initializer {
      guard initializers.updateValue(tensor, forKey: tensor.name) == nil else {
        throw ModelError(.malformedFile, "two initializers are called \(tensor.name)")
      }
    }
    self.initializers = initializers
  }

  /// The layers from the graph's input to its output.
  mutating func run() throws(ModelError) -> [Layer] {
    values[interface.inputName] = .flow(chain.view(interface.inputDimensions))
    for node in neededNodes() { try lower(node) }
    let end = ONNXNode(
      proto: .with { $0.opType = "output \(interface.outputName)" }, opset: nodes.first?.opset ?? 0,
      position: nodes.count)
    switch values[interface.outputName] {
    case .flow(let flow): try chain.settle(flow, as: flow.shape, end)
    case .constant:
      throw ModelError(.unsupportedShape, "output \(interface.outputName) does not depend on the input")
    case nil:
      throw ModelError(.malformedFile, "no node makes the output \(interface.outputName)")
    }
    return chain.layers
  }

  /// The nodes that the output depends on, in order; others, such as a second head, are left out.
  private func neededNodes() -> [ONNXNode] {
    var needed: Set<String> = [interface.outputName]
    var result: [ONNXNode] = []
    for node in nodes.reversed()
    where node.proto.output.contains(where: { !$0.isEmpty && needed.contains($0) }) {
      needed.formUnion(node.proto.input)
      result.append(node)
    }
    return result.reversed()
  }

  // MARK: Values

  mutating func value(_ node: ONNXNode, _ index: Int) throws(ModelError) -> ONNXValue {
    guard let name = node.input(index) else {
      throw node.error(.malformedFile, "input \(index) is missing")
    }
    if let value = values[name] { return value }
    guard let tensor = initializers[name] else {
      throw node.error(
        .malformedFile, "uses \(name), which no earlier node makes",
        remedy: "ONNX wants nodes in the order of evaluation; check the file with onnx.checker.")
    }
    let value = ONNXValue.constant(try decode(tensor, node))
    values[name] = value
    return value
  }

  func decode(_ tensor: ONNXTensorProto, _ node: ONNXNode) throws(ModelError) -> ONNXConstant {
    do {
      return try ONNXConstant(tensor, external: external)
    } catch {
      throw ModelError(error.code, "\(node.label): \(error.message)", remedy: error.remedy)
    }
  }

  /// An input that must depend on the network's input, up to date with the last layer.
  mutating func flow(_ node: ONNXNode, _ index: Int = 0) throws(ModelError) -> ONNXFlow {
    guard case .flow(let flow) = try value(node, index) else {
      throw node.error(
        .unsupportedOperator,
        "input \(index) is a constant where only a tensor that depends on the input is supported",
        remedy: "Fold constants before export (torch: do_constant_folding=True, or onnxsim).")
    }
    try chain.check(flow, node)
    return flow
  }

  /// An input that must be known when the graph is read; nil when it is left out.
  mutating func constant(_ node: ONNXNode, _ index: Int) throws(ModelError) -> ONNXConstant? {
    guard node.input(index) != nil else { return nil }
    guard case .constant(let constant) = try value(node, index) else {
      throw node.error(
        .unsupportedOperator, "input \(index) depends on the network's input and must be a constant",
        remedy: "Only fixed parameters are supported there.")
    }
    return constant
  }

  mutating func floats(_ node: ONNXNode, _ index: Int) throws(ModelError) -> (
    dimensions: [Int], values: [Float]
  )? {
    guard let constant = try constant(node, index) else { return nil }
    guard case .floats(let values) = constant.elements else {
      throw node.error(.unsupportedType, "input \(index) holds integers, not floating point")
    }
    return (constant.dimensions, values)
  }

  /// Floating-point parameters that the operator cannot do without.
  mutating func parameters(
    _ node: ONNXNode, _ index: Int
  ) throws(ModelError) -> (dimensions: [Int], values: [Float]) {
    guard let parameters = try floats(node, index) else {
      throw node.error(.malformedFile, "input \(index) is missing")
    }
    return parameters
  }

  mutating func integers(_ node: ONNXNode, _ index: Int) throws(ModelError) -> [Int]? {
    guard let constant = try constant(node, index) else { return nil }
    guard case .integers(let values) = constant.elements else {
      throw node.error(.unsupportedType, "input \(index) holds floating point, not integers")
    }
    return values
  }

  mutating func define(_ node: ONNXNode, _ value: ONNXValue, output: Int = 0) throws(ModelError) {
    guard output < node.proto.output.count, !node.proto.output[output].isEmpty else { return }
    let name = node.proto.output[output]
    guard ONNXConstant.isBounded(value.dimensions) else {
      throw node.error(.unsupportedShape, "makes a tensor of dimensions \(value.dimensions)")
    }
    guard initializers[name] == nil, values.updateValue(value, forKey: name) == nil else {
      throw node.error(.malformedFile, "makes \(name), which exists already")
    }
  }
}
