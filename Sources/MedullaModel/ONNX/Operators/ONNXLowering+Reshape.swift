/// Operators that keep the elements and their order, and change the dimensions.
extension ONNXLowering {
  mutating func reshape(_ node: ONNXNode) throws(ModelError) {
    let dimensions: [Int]
    switch node.operation {
    case "Flatten": dimensions = try flattened(node)
    case "Squeeze": dimensions = try squeezed(node)
    case "Unsqueeze": dimensions = try unsqueezed(node)
    default: dimensions = try restated(node)
    }
    let old = try value(node, 0).dimensions
    guard dimensions.count <= ModelLimits.rank, let count = TensorShape(dimensions).checkedCount,
      count == TensorShape(old).checkedCount
    else {
      throw node.error(.shapeMismatch, "cannot see \(old) as \(dimensions)")
    }
    try define(node, try value(node, 0).reshaped(dimensions))
  }

  private mutating func flattened(_ node: ONNXNode) throws(ModelError) -> [Int] {
    try node.expect(attributes: ["axis"], inputs: 1...1)
    let old = try value(node, 0).dimensions
    // The axis may be the rank itself: then all is in the first dimension.
    let axis = try node.integer("axis", default: 1)
    guard axis >= -old.count, axis <= old.count else {
      throw node.error(.shapeMismatch, "axis \(axis) does not exist in \(old)")
    }
    let split = axis < 0 ? axis + old.count : axis
    return [old[..<split].reduce(1, *), old[split...].reduce(1, *)]
  }

  private mutating func restated(_ node: ONNXNode) throws(ModelError) -> [Int] {
    try node.expect(attributes: ["allowzero"], inputs: 2...2)
    let old = try value(node, 0).dimensions
    guard var sizes = try integers(node, 1) else {
      throw node.error(.malformedFile, "the shape is missing")
    }
    let keepsZero = try node.flag("allowzero")
    guard sizes.count <= ModelLimits.rank, sizes.allSatisfy({ $0 >= -1 }),
      sizes.count(where: { $0 == -1 }) <= 1
    else {
      throw node.error(.unsupportedShape, "cannot reshape to \(sizes.prefix(16))")
    }
    for axis in sizes.indices where sizes[axis] == 0 && !keepsZero {
      guard axis < old.count else {
        throw node.error(.shapeMismatch, "copies dimension \(axis) of \(old), which does not exist")
      }
      sizes[axis] = old[axis]
    }
    if let free = sizes.firstIndex(of: -1) {
      sizes[free] = 1
      guard let known = TensorShape(sizes).checkedCount, known > 0, let count = TensorShape(old).checkedCount,
        count % known == 0
      else {
        throw node.error(.shapeMismatch, "cannot see \(old) as \(sizes) with one dimension left open")
      }
      sizes[free] = count / known
    }
    return sizes
  }

  private mutating func squeezed(_ node: ONNXNode) throws(ModelError) -> [Int] {
    let old = try value(node, 0).dimensions
    guard let axes = try axes(node) else { return old.filter { $0 != 1 } }
    var dropped: Set<Int> = []
    for axis in axes {
      let axis = try node.axis(axis, rank: old.count)
      guard old[axis] == 1 else {
        throw node.error(.shapeMismatch, "axis \(axis) of \(old) is not 1")
      }
      dropped.insert(axis)
    }
    return old.enumerated().filter { !dropped.contains($0.offset) }.map(\.element)
  }

  private mutating func unsqueezed(_ node: ONNXNode) throws(ModelError) -> [Int] {
    let old = try value(node, 0).dimensions
    guard let axes = try axes(node) else { throw node.error(.malformedFile, "the axes are missing") }
    let rank = old.count + axes.count
    guard rank <= ModelLimits.rank else {
      throw node.error(.unsupportedShape, "makes a tensor of \(rank) dimensions")
    }
    var added: Set<Int> = []
    for axis in axes {
      guard added.insert(try node.axis(axis, rank: rank)).inserted else {
        throw node.error(.malformedFile, "axis \(axis) is given twice")
      }
    }
    var rest = old.makeIterator()
    return (0..<rank).map { added.contains($0) ? 1 : rest.next() ?? 1 }
  }

  /// Before opset 13 the axes are an attribute, from there on an input.
  private mutating func axes(_ node: ONNXNode) throws(ModelError) -> [Int]? {
    guard node.opset < 13 else {
      try node.expect(inputs: 1...2)
      return try integers(node, 1)
    }
    try node.expect(attributes: ["axes"], inputs: 1...1)
    return try node.integers("axes")
  }
}

extension ONNXValue {
  var dimensions: [Int] {
    switch self {
    case .constant(let constant): constant.dimensions
    case .flow(let flow): flow.dimensions
    }
  }

  fileprivate func reshaped(_ dimensions: [Int]) -> ONNXValue {
    switch self {
    case .constant(let constant): .constant(constant.reshaped(dimensions))
    case .flow(let flow): .flow(flow.reshaped(dimensions))
    }
  }

  func selecting(_ selection: [Int], dimensions: [Int]) -> ONNXValue {
    switch self {
    case .constant(let constant): .constant(constant.selecting(selection, dimensions: dimensions))
    case .flow(let flow): .flow(flow.selecting(selection, dimensions: dimensions))
    }
  }
}
