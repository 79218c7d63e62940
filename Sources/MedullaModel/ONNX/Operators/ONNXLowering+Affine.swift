/// Arithmetic with constants and BatchNormalization: scales and shifts, folded where a layer can take them.
extension ONNXLowering {
  mutating func arithmetic(_ node: ONNXNode) throws(ModelError) {
    try node.expect(inputs: 2...2)
    let isConstantFirst: Bool
    if case .constant = try value(node, 0) { isConstantFirst = true } else { isConstantFirst = false }
    if case .flow = try value(node, isConstantFirst ? 0 : 1) {
      throw node.error(
        .unsupportedOperator, "combines two tensors that depend on the input",
        remedy: "Only arithmetic with constants is supported; remove skip connections.")
    }
    var flow = try flow(node, isConstantFirst ? 1 : 0)
    let (sizes, operands) = try parameters(node, isConstantFirst ? 0 : 1)
    guard let dimensions = StridedView.broadcast(flow.dimensions, sizes),
      !dimensions.contains(0), let view = StridedView(sizes).broadcast(to: dimensions)
    else {
      throw node.error(.shapeMismatch, "shapes \(flow.dimensions) and \(sizes) do not broadcast")
    }
    try chain.charge(dimensions, node)
    flow = try stretched(flow, to: dimensions, node)
    let values = view.indices.map { Double(operands[$0]) }
    let ones = [Double](repeating: 1, count: values.count)
    let zeros = [Double](repeating: 0, count: values.count)
    let affine: ONNXFlow.Affine
    switch (node.operation, isConstantFirst) {
    case ("Add", _): affine = .init(scale: ones, offset: values)
    case ("Sub", false): affine = .init(scale: ones, offset: values.map { -$0 })
    case ("Sub", true): affine = .init(scale: ones.map { -$0 }, offset: values)
    case ("Mul", _): affine = .init(scale: values, offset: zeros)
    case ("Div", false): affine = .init(scale: values.map { 1 / $0 }, offset: zeros)
    default:
      throw node.error(
        .unsupportedOperator, "divides by a tensor that depends on the input",
        remedy: "Only division by constants is supported.")
    }
    try define(node, .flow(try apply(affine, to: flow, node)))
  }

  /// y = scale · (x − mean) / √(variance + epsilon) + bias, for each channel.
  mutating func batchNormalization(_ node: ONNXNode) throws(ModelError) {
    try node.expect(attributes: ["epsilon", "momentum", "spatial", "training_mode"], inputs: 5...5)
    guard try node.integer("spatial", default: 1) == 1, try !node.flag("training_mode") else {
      throw node.error(
        .unsupportedAttribute, "only inference with one statistic for each channel is supported",
        remedy: "Export in inference mode (torch: model.eval()).")
    }
    let epsilon = Double(try node.float("epsilon", default: 1e-5))
    let flow = try flow(node)
    guard flow.dimensions.count >= 2, flow.dimensions[0] == 1 else {
      throw node.error(.unsupportedShape, "the input has shape \(flow.dimensions) without a channel axis")
    }
    let channels = flow.dimensions[1]
    var statistics: [[Float]] = []
    for index in 1...4 {
      let values = try parameters(node, index).values
      guard values.count == channels else {
        throw node.error(
          .shapeMismatch, "input \(index) does not hold \(channels) values, one for each channel")
      }
      statistics.append(values)
    }
    try chain.charge(flow.dimensions, node)
    let area = flow.count / channels
    var affine = ONNXFlow.Affine(scale: [], offset: [])
    for channel in 0..<channels {
      let scale = Double(statistics[0][channel]) / (Double(statistics[3][channel]) + epsilon).squareRoot()
      let offset = Double(statistics[1][channel]) - Double(statistics[2][channel]) * scale
      affine.scale.append(contentsOf: repeatElement(scale, count: area))
      affine.offset.append(contentsOf: repeatElement(offset, count: area))
    }
    try define(node, .flow(try apply(affine, to: flow, node)))
  }

  private mutating func stretched(
    _ flow: ONNXFlow, to dimensions: [Int], _ node: ONNXNode
  ) throws(ModelError) -> ONNXFlow {
    if flow.dimensions == dimensions { return flow }
    if TensorShape(dimensions).checkedCount == flow.count { return flow.reshaped(dimensions) }
    guard let view = StridedView(flow.dimensions).broadcast(to: dimensions) else { return flow }
    return flow.selecting(view.indices, dimensions: dimensions)
  }

  /// Folds into the last layer if that is linear and the flow is all of it; else the flow carries it on.
  private mutating func apply(
    _ affine: ONNXFlow.Affine, to flow: ONNXFlow, _ node: ONNXNode
  ) throws(ModelError) -> ONNXFlow {
    guard affine.scale.allSatisfy(\.isFinite), affine.offset.allSatisfy(\.isFinite) else {
      throw node.error(
        .unsupportedAttribute, "scales or shifts by a value that is not finite",
        remedy: "Check for a division by zero or a negative variance.")
    }
    if flow.affine == nil, flow.isWhole(of: chain.shape.count), let layer = folded(affine) {
      try chain.check(flow, node)
      chain.replaceLast(layer)
      return chain.view(flow.dimensions, shape: flow.shape)
    }
    var result = flow
    if let old = flow.affine {
      let scale = zip(old.scale, affine.scale).map { $0 * $1 }
      let offset = zip(zip(old.offset, affine.scale), affine.offset).map { $0.0 * $0.1 + $1 }
      result.affine = ONNXFlow.Affine(scale: scale, offset: offset)
    } else {
      result.affine = affine
    }
    return result
  }

  /// The last layer followed by the affine step, as one layer; nil when it cannot take it in.
  private func folded(_ affine: ONNXFlow.Affine) -> Layer? {
    switch chain.last {
    case .dense(let dense):
      let weights = scaleRows(dense.weights, by: affine.scale)
      let bias = shift(dense.bias, affine)
      return .dense(Dense(inputs: dense.inputs, outputs: dense.outputs, weights: weights, bias: bias))
    case .convolution(let convolution):
      guard let channels = affine.perChannel(chain.shape) else { return nil }
      return .convolution(
        convolution.with(
          weights: scaleRows(convolution.weights, by: channels.scale), bias: shift(convolution.bias, channels)
        ))
    default: return nil
    }
  }

  private func scaleRows(_ weights: [Float], by scale: [Double]) -> [Float] {
    let width = weights.count / scale.count
    return weights.enumerated().map { Float(Double($0.element) * scale[$0.offset / width]) }
  }

  private func shift(_ bias: [Float], _ affine: ONNXFlow.Affine) -> [Float] {
    bias.indices.map { Float(Double(bias[$0]) * affine.scale[$0] + affine.offset[$0]) }
  }
}

extension Convolution {
  /// The same convolution with other parameters.
  func with(weights: [Float], bias: [Float]) -> Convolution {
    Convolution(
      inputChannels: inputChannels, outputChannels: outputChannels, kernel: kernel, strides: strides,
      dilations: dilations, padding: padding, groups: groups, weights: weights, bias: bias)
  }
}
