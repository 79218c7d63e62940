/// Operators that select or reorder elements, on constants and on tensors alike.
extension ONNXLowering {
  mutating func transpose(_ node: ONNXNode) throws(ModelError) {
    try node.expect(attributes: ["perm"], inputs: 1...1)
    let rank = try value(node, 0).dimensions.count
    let permutation = try node.integers("perm") ?? Array((0..<rank).reversed())
    guard permutation.sorted() == Array(0..<rank) else {
      throw node.error(.malformedFile, "perm \(permutation.prefix(16)) is no permutation of \(rank) axes")
    }
    try defineView(node, StridedView(try source(node)).transposed(permutation))
  }

  mutating func transposed(
    _ flow: ONNXFlow, _ permutation: [Int], _ node: ONNXNode
  ) throws(ModelError) -> ONNXFlow {
    try chain.charge(flow.dimensions, node)
    let view = StridedView(flow.dimensions).transposed(permutation)
    return flow.selecting(view.indices, dimensions: view.dimensions)
  }

  mutating func slice(_ node: ONNXNode) throws(ModelError) {
    let parts = try sliceParts(node)
    var view = StridedView(try source(node))
    let rank = view.dimensions.count
    var seen: Set<Int> = []
    for (index, start) in parts.starts.enumerated() {
      let axis = try node.axis(parts.axes[index], rank: rank)
      guard seen.insert(axis).inserted else {
        throw node.error(.malformedFile, "axis \(axis) is sliced twice")
      }
      let size = view.dimensions[axis]
      let step = parts.steps[index]
      guard step != 0, step != Int.min else { throw node.error(.malformedFile, "a step is \(step)") }
      // From the first element taken to the last, as numpy resolves ends that lie outside.
      let first: Int
      let count: Int
      if step > 0 {
        first = min(max(wrapped(start, size), 0), size)
        let end = min(max(wrapped(parts.ends[index], size), 0), size)
        count = end > first ? (end - first - 1) / step + 1 : 0
      } else {
        first = min(max(wrapped(start, size), 0), size - 1)
        let end = min(max(wrapped(parts.ends[index], size), -1), size - 1)
        count = first > end ? (first - end - 1) / -step + 1 : 0
      }
      view.offset += count > 0 ? first * view.strides[axis] : 0
      // A step longer than the axis is never taken.
      view.strides[axis] *= count > 1 ? step : 1
      view.dimensions[axis] = count
    }
    try defineView(node, view)
  }

  /// A position that may count from the end.
  private func wrapped(_ position: Int, _ size: Int) -> Int {
    position < 0 ? max(position, -size - 1) + size : position
  }

  private mutating func sliceParts(
    _ node: ONNXNode
  ) throws(ModelError) -> (starts: [Int], ends: [Int], axes: [Int], steps: [Int]) {
    let starts: [Int]?
    let ends: [Int]?
    var axes: [Int]?
    var steps: [Int]?
    if node.opset < 10 {
      try node.expect(attributes: ["starts", "ends", "axes"], inputs: 1...1)
      (starts, ends) = (try node.integers("starts"), try node.integers("ends"))
      axes = try node.integers("axes")
    } else {
      try node.expect(inputs: 3...5)
      (starts, ends) = (try integers(node, 1), try integers(node, 2))
      (axes, steps) = (try integers(node, 3), try integers(node, 4))
    }
    guard let starts, let ends, starts.count == ends.count, starts.count <= ModelLimits.rank,
      axes?.count ?? starts.count == starts.count, steps?.count ?? starts.count == starts.count
    else {
      throw node.error(.malformedFile, "starts, ends, axes and steps have not the same number of values")
    }
    return (
      starts, ends, axes ?? Array(starts.indices), steps ?? [Int](repeating: 1, count: starts.count)
    )
  }

  mutating func split(_ node: ONNXNode) throws(ModelError) {
    let names = node.proto.output
    let isAttribute = node.opset < 13
    try node.expect(
      attributes: ["axis"] + (isAttribute ? ["split"] : []) + (node.opset >= 18 ? ["num_outputs"] : []),
      inputs: isAttribute ? 1...1 : 1...2, outputs: names.count)
    let dimensions = try source(node)
    let axis = try node.axis(try node.integer("axis", default: 0), rank: dimensions.count)
    let size = dimensions[axis]
    let even = (size + names.count - 1) / names.count
    let stated = isAttribute ? try node.integers("split") : try integers(node, 1)
    let sizes = stated ?? names.indices.map { max(0, min(even, size - $0 * even)) }
    var sum = 0
    for part in sizes {
      guard part >= 0, part <= size else { throw node.error(.malformedFile, "a part has size \(part)") }
      sum += part
    }
    guard sizes.count == names.count, sum == size else {
      throw node.error(.shapeMismatch, "parts of \(sizes.prefix(16)) do not make an axis of \(size)")
    }
    var start = 0
    for (output, part) in sizes.enumerated() {
      var view = StridedView(dimensions)
      view.offset = part > 0 ? start * view.strides[axis] : 0
      view.dimensions[axis] = part
      if !names[output].isEmpty { try defineView(node, view, output: output) }
      start += part
    }
  }

  mutating func gather(_ node: ONNXNode) throws(ModelError) {
    try node.expect(attributes: ["axis"], inputs: 2...2)
    let dimensions = try source(node)
    let axis = try node.axis(try node.integer("axis", default: 0), rank: dimensions.count)
    let sizes = try value(node, 1).dimensions
    let picks = try integers(node, 1) ?? []
    var rows: [Int] = []
    for pick in picks { rows.append(try node.axis(pick, rank: dimensions[axis])) }
    let result = Array(dimensions[..<axis]) + sizes + Array(dimensions[(axis + 1)...])
    guard result.count <= ModelLimits.rank else {
      throw node.error(.unsupportedShape, "makes a tensor of \(result.count) dimensions")
    }
    try chain.charge(result, node)
    let inner = dimensions[(axis + 1)...].reduce(1, *)
    let outer = dimensions[..<axis].reduce(1, *)
    var selection: [Int] = []
    for block in 0..<outer {
      for row in rows {
        let start = (block * dimensions[axis] + row) * inner
        selection.append(contentsOf: start..<start + inner)
      }
    }
    try defineSelection(node, selection, dimensions: result)
  }

  /// The dimensions of input 0, known to have a countable number of elements.
  private mutating func source(_ node: ONNXNode) throws(ModelError) -> [Int] {
    let dimensions = try value(node, 0).dimensions
    guard TensorShape(dimensions).checkedCount != nil, !dimensions.contains(0) else {
      throw node.error(.unsupportedShape, "the input has shape \(dimensions), without elements")
    }
    return dimensions
  }

  private mutating func defineView(_ node: ONNXNode, _ view: StridedView, output: Int = 0) throws(ModelError)
  {
    try chain.charge(view.dimensions, node)
    try defineSelection(node, view.indices, dimensions: view.dimensions, output: output)
  }

  private mutating func defineSelection(
    _ node: ONNXNode, _ selection: [Int], dimensions: [Int], output: Int = 0
  ) throws(ModelError) {
    let value = try value(node, 0)
    if case .flow = value, selection.isEmpty {
      throw node.error(.unsupportedShape, "nothing is left of the tensor: \(dimensions)")
    }
    try define(node, value.selecting(selection, dimensions: dimensions), output: output)
  }
}
