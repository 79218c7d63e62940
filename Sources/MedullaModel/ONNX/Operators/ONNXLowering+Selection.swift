/// Softmax and ArgMax: functions of a whole row.
extension ONNXLowering {
  mutating func softmax(_ node: ONNXNode) throws(ModelError) {
    try node.expect(attributes: ["axis"], inputs: 1...1)
    let flow = try flow(node)
    let rank = flow.dimensions.count
    let axis = try node.axis(try node.integer("axis", default: node.opset < 13 ? 1 : -1), rank: rank)
    if axis == rank - 1 {
      try chain.settle(flow, as: flow.shape, node)
      try chain.append(.softmax, node)
      return try define(node, .flow(chain.view(flow.dimensions, shape: flow.shape)))
    }
    if node.opset < 13 {
      // The axes from `axis` on are taken together as one row.
      let width = flow.dimensions[axis...].reduce(1, *)
      let rows = flow.count / width
      try chain.settle(flow, as: TensorShape(rows == 1 ? [width] : [rows, width]), node)
      try chain.append(.softmax, node)
      return try define(node, .flow(chain.view(flow.dimensions)))
    }
    let permutation = Array((0..<rank).filter { $0 != axis }) + [axis]
    let moved = try transposed(flow, permutation, node)
    try chain.settle(moved, as: moved.shape, node)
    try chain.append(.softmax, node)
    let back = Array(0..<axis) + [rank - 1] + Array(axis..<rank - 1)
    try define(node, .flow(try transposed(chain.view(moved.dimensions), back, node)))
  }

  mutating func argmax(_ node: ONNXNode) throws(ModelError) {
    try node.expect(attributes: ["axis", "keepdims", "select_last_index"], inputs: 1...1)
    guard try !node.flag("select_last_index") else {
      throw node.error(
        .unsupportedAttribute, "select_last_index is set", remedy: "Export with select_last_index = 0.")
    }
    let flow = try flow(node)
    let rank = flow.dimensions.count
    let axis = try node.axis(try node.integer("axis", default: 0), rank: rank)
    guard flow.dimensions[axis] == flow.count else {
      throw node.error(
        .unsupportedShape, "axis \(axis) of \(flow.dimensions) leaves several rows; one is supported",
        remedy: "Flatten before ArgMax and choose the axis of the classes.")
    }
    try chain.settle(flow, as: TensorShape([flow.count]), node)
    try chain.append(.argmax, node)
    let keeps = try node.integer("keepdims", default: 1) != 0
    let dimensions = [Int](repeating: 1, count: keeps ? rank : rank - 1)
    try define(node, .flow(chain.view(dimensions, shape: TensorShape([1]))))
  }
}
