/// Functions of each element by itself.
extension ONNXLowering {
  mutating func activation(_ node: ONNXNode) throws(ModelError) {
    let activation = try readActivation(node)
    let flow = try flow(node)
    try chain.settle(flow, as: flow.shape, node)
    try chain.append(.activation(activation), node)
    try define(node, .flow(chain.view(flow.dimensions, shape: flow.shape)))
  }

  private mutating func readActivation(_ node: ONNXNode) throws(ModelError) -> Activation {
    switch node.operation {
    case "LeakyRelu":
      try node.expect(attributes: ["alpha"], inputs: 1...1)
      return .leakyRelu(slope: try node.float("alpha", default: 0.01))
    case "HardSigmoid":
      try node.expect(attributes: ["alpha", "beta"], inputs: 1...1)
      return .hardSigmoid(
        alpha: try node.float("alpha", default: 0.2), beta: try node.float("beta", default: 0.5))
    case "Clip": return try readClip(node)
    case "Tanh":
      try node.expect(inputs: 1...1)
      return .tanh
    case "Sigmoid":
      try node.expect(inputs: 1...1)
      return .sigmoid
    default:
      try node.expect(inputs: 1...1)
      return .relu
    }
  }

  /// Before opset 11 the limits are attributes, from there on optional inputs.
  private mutating func readClip(_ node: ONNXNode) throws(ModelError) -> Activation {
    let largest = Float.greatestFiniteMagnitude
    var limits: [Float] = [-largest, largest]
    if node.opset < 11 {
      try node.expect(attributes: ["min", "max"], inputs: 1...1)
      limits = [try node.float("min", default: -largest), try node.float("max", default: largest)]
    } else {
      try node.expect(inputs: 1...3)
      for index in 1...2 {
        guard let (_, values) = try floats(node, index) else { continue }
        guard values.count == 1 else {
          throw node.error(.shapeMismatch, "a limit has \(values.count) values; it is a scalar")
        }
        limits[index - 1] = values[0]
      }
    }
    // An infinite limit is no limit.
    let bounded = limits.map { min(max($0, -largest), largest) }
    guard limits.allSatisfy({ !$0.isNaN }), bounded[0] <= bounded[1] else {
      throw node.error(.unsupportedAttribute, "clips to \(limits[0])…\(limits[1]), which is no interval")
    }
    return .clip(minimum: bounded[0], maximum: bounded[1])
  }
}
