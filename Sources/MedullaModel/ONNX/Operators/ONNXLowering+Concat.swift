/// Concat: joins views of one tensor, or constants.
extension ONNXLowering {
  mutating func concatenate(_ node: ONNXNode) throws(ModelError) {
    try node.expect(attributes: ["axis"], inputs: 1...ModelLimits.nodes)
    var parts: [ONNXValue] = []
    for index in node.proto.input.indices { parts.append(try value(node, index)) }
    let first = parts[0].dimensions
    let axis = try node.axis(try node.integer("axis", default: 1), rank: first.count)
    var result = first
    result[axis] = 0
    for part in parts {
      var sizes = part.dimensions
      guard sizes.count == first.count else {
        throw node.error(.shapeMismatch, "joins shapes \(first) and \(part.dimensions)")
      }
      result[axis] += sizes[axis]
      sizes[axis] = first[axis]
      guard sizes == first, result[axis] <= ModelLimits.parameters else {
        throw node.error(.shapeMismatch, "joins shapes \(first) and \(part.dimensions) along axis \(axis)")
      }
    }
    try chain.charge(result, node)
    let order = interleaving(parts.map { $0.dimensions[axis...].reduce(1, *) }, first[..<axis].reduce(1, *))
    if case .constant = parts[0] {
      try define(node, .constant(try joined(constants: parts, node).selecting(order, dimensions: result)))
    } else {
      try define(node, .flow(try joined(flows: parts, node).selecting(order, dimensions: result)))
    }
  }

  /// Where the elements of the result lie in the parts laid end to end.
  private func interleaving(_ widths: [Int], _ rows: Int) -> [Int] {
    var order: [Int] = []
    for row in 0..<rows {
      var start = 0
      for width in widths {
        order.append(contentsOf: start + row * width..<start + (row + 1) * width)
        start += width * rows
      }
    }
    return order
  }

  private func joined(constants parts: [ONNXValue], _ node: ONNXNode) throws(ModelError) -> ONNXConstant {
    var floats: [Float] = []
    var integers: [Int] = []
    for part in parts {
      guard case .constant(let constant) = part else { throw mixed(node) }
      switch constant.elements {
      case .floats(let values): floats += values
      case .integers(let values): integers += values
      }
    }
    guard floats.isEmpty || integers.isEmpty else {
      throw node.error(.malformedFile, "joins integers and floating point")
    }
    let elements: ONNXConstant.Elements = floats.isEmpty ? .integers(integers) : .floats(floats)
    return ONNXConstant(dimensions: [], elements: elements)
  }

  /// The parts end to end, as one view of the tensor that they are all views of.
  private func joined(flows parts: [ONNXValue], _ node: ONNXNode) throws(ModelError) -> ONNXFlow {
    var indices: [Int] = []
    var affine = ONNXFlow.Affine(scale: [], offset: [])
    var isScaled = false
    for part in parts {
      guard case .flow(let flow) = part else { throw mixed(node) }
      try chain.check(flow, node)
      indices += flow.indices ?? Array(0..<flow.count)
      affine.scale += flow.affine?.scale ?? [Double](repeating: 1, count: flow.count)
      affine.offset += flow.affine?.offset ?? [Double](repeating: 0, count: flow.count)
      isScaled = isScaled || flow.affine != nil
    }
    var result = chain.view([indices.count])
    result.indices = indices
    result.affine = isScaled ? affine : nil
    return result
  }

  private func mixed(_ node: ONNXNode) -> ModelError {
    node.error(
      .unsupportedOperator, "joins constants with tensors that depend on the input",
      remedy: "Concat may only rearrange; give the constants as input features.")
  }
}
