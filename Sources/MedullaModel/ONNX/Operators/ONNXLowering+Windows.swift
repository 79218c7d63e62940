/// Conv and the pools, over one or two spatial axes.
extension ONNXLowering {
  mutating func convolution(_ node: ONNXNode) throws(ModelError) {
    try node.expect(attributes: WindowAttributes.names + ["group"], inputs: 2...3)
    let flow = try flow(node)
    let spatial = try spatialAxes(of: flow, node)
    let (sizes, weights) = try parameters(node, 1)
    guard sizes.count == flow.dimensions.count, !sizes.contains(0)
    else {
      throw node.error(.shapeMismatch, "the weights do not have \(flow.dimensions.count) dimensions")
    }
    let kernel = Array(sizes[2...])
    guard try node.integers("kernel_shape") ?? kernel == kernel else {
      throw node.error(.shapeMismatch, "kernel_shape is not that of the weights, \(kernel)")
    }
    let window = try WindowAttributes(node, spatial: spatial, kernel: kernel)
    let groups = try node.integer("group", default: 1)
    let channels = flow.dimensions[1]
    guard groups > 0, channels % groups == 0, channels / groups == sizes[1] else {
      throw node.error(
        .shapeMismatch, "weights of shape \(sizes) in \(groups) groups are given \(channels) channels")
    }
    let bias = try floats(node, 2)?.values ?? [Float](repeating: 0, count: sizes[0])
    let convolution = Convolution(
      inputChannels: channels, outputChannels: sizes[0], kernel: window.kernel, strides: window.strides,
      dilations: window.dilations, padding: window.padding, groups: groups, weights: weights, bias: bias)
    guard bias.count == sizes[0] else {
      throw node.error(.shapeMismatch, "\(bias.count) biases are given for \(sizes[0]) output channels")
    }
    try append(convolution, to: flow, node)
    try defineWindows(node, isFlat: spatial.count == 1)
  }

  /// The convolution takes in a scale for each channel, and a shift as well if nothing is padded.
  private mutating func append(
    _ convolution: Convolution, to flow: ONNXFlow, _ node: ONNXNode
  ) throws(ModelError) {
    let shape = planes(flow)
    if let channels = flow.affine?.perChannel(shape),
      channels.offset.allSatisfy({ $0 == 0 }) || convolution.padding == Padding()
    {
      var plain = flow
      plain.affine = nil
      try chain.settle(plain, as: shape, node)
      try chain.append(.convolution(convolution.after(channels)), node)
    } else {
      try chain.settle(flow, as: shape, node)
      try chain.append(.convolution(convolution), node)
    }
  }

  mutating func pool(_ node: ONNXNode) throws(ModelError) {
    let isMaximum = node.operation == "MaxPool"
    try node.expect(
      attributes: WindowAttributes.names + ["ceil_mode", isMaximum ? "storage_order" : "count_include_pad"],
      inputs: 1...1)
    let flow = try flow(node)
    let spatial = try spatialAxes(of: flow, node)
    guard let kernel = try node.integers("kernel_shape") else {
      throw node.error(.malformedFile, "kernel_shape is missing")
    }
    let window = try WindowAttributes(node, spatial: spatial, kernel: kernel)
    guard window.dilations == Extent(height: 1, width: 1) else {
      throw node.error(.unsupportedAttribute, "the window is dilated", remedy: "Export with dilations of 1.")
    }
    let kind: Pool.Kind = isMaximum ? .max : .average(countsPadding: try node.flag("count_include_pad"))
    let shape = planes(flow)
    if try node.flag("ceil_mode") { try checkCeiling(window, shape, node) }
    try chain.settle(flow, as: shape, node)
    let pool = Pool(kind: kind, kernel: window.kernel, strides: window.strides, padding: window.padding)
    try chain.append(.pool(pool), node)
    try defineWindows(node, isFlat: spatial.count == 1)
  }

  mutating func globalPool(_ node: ONNXNode) throws(ModelError) {
    try node.expect(inputs: 1...1)
    let flow = try flow(node)
    let spatial = try spatialAxes(of: flow, node)
    let shape = planes(flow)
    try chain.settle(flow, as: shape, node)
    let kernel = Extent(height: shape.dimensions[1], width: shape.dimensions[2])
    let kind: Pool.Kind = node.operation == "GlobalMaxPool" ? .max : .average(countsPadding: false)
    try chain.append(.pool(Pool(kind: kind, kernel: kernel, strides: Extent(height: 1, width: 1))), node)
    try defineWindows(node, isFlat: spatial.count == 1)
  }

  /// `ceil_mode` is accepted where it makes no difference: the strides fit exactly.
  private func checkCeiling(
    _ window: WindowAttributes, _ shape: TensorShape, _ node: ONNXNode
  ) throws(ModelError) {
    let padding = window.padding
    let height = shape.dimensions[1] + padding.top + padding.bottom - window.kernel.height
    let width = shape.dimensions[2] + padding.left + padding.right - window.kernel.width
    guard height % window.strides.height == 0, width % window.strides.width == 0 else {
      throw node.error(
        .unsupportedAttribute, "ceil_mode is set and the last window would reach over the edge",
        remedy: "Export with ceil_mode = False, or with pads that let the strides fit.")
    }
  }

  private func spatialAxes(of flow: ONNXFlow, _ node: ONNXNode) throws(ModelError) -> [Int] {
    guard (3...4).contains(flow.dimensions.count), flow.dimensions[0] == 1 else {
      throw node.error(
        .unsupportedShape,
        "the input has shape \(flow.dimensions); [batch, channels, height, width] or "
          + "[batch, channels, length] is needed"
      )
    }
    return Array(flow.dimensions[2...])
  }

  /// The flow as `[channels, height, width]`.
  private func planes(_ flow: ONNXFlow) -> TensorShape {
    let sizes = flow.dimensions
    return TensorShape(sizes.count == 3 ? [sizes[1], 1, sizes[2]] : Array(sizes[1...]))
  }

  private mutating func defineWindows(_ node: ONNXNode, isFlat: Bool) throws(ModelError) {
    let sizes = chain.shape.dimensions
    let dimensions = isFlat ? [1, sizes[0], sizes[2]] : [1] + sizes
    try define(node, .flow(chain.view(dimensions, shape: chain.shape)))
  }
}

extension Convolution {
  /// This convolution applied to scale·x + offset by channel, as a convolution of x.
  fileprivate func after(_ affine: ONNXFlow.Affine) -> Convolution {
    let channels = inputChannels / groups
    let area = kernel.height * kernel.width
    let filters = outputChannels / groups
    var weights = weights
    var bias = bias
    for filter in 0..<outputChannels {
      var sum = Double(bias[filter])
      for channel in 0..<channels {
        let source = filter / filters * channels + channel
        let start = (filter * channels + channel) * area
        for index in start..<start + area {
          let weight = Double(weights[index])
          sum += weight * affine.offset[source]
          weights[index] = Float(weight * affine.scale[source])
        }
      }
      bias[filter] = Float(sum)
    }
    return with(weights: weights, bias: bias)
  }
}
