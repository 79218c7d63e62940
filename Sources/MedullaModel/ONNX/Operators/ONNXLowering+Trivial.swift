/// Operators that change nothing at inference, and those that make constants.
extension ONNXLowering {
  mutating func identity(_ node: ONNXNode) throws(ModelError) {
    if node.operation == "Dropout" {
      try node.expect(attributes: node.opset < 12 ? ["ratio"] : ["seed"], inputs: 1...3)
      if node.opset >= 12, try integers(node, 2)?.contains(where: { $0 != 0 }) ?? false {
        throw node.error(
          .unsupportedAttribute, "is in training mode",
          remedy: "Export in inference mode (torch: model.eval()).")
      }
    } else {
      try node.expect(inputs: 1...1)
    }
    try define(node, try value(node, 0))
  }

  /// Between floating-point types nothing changes here; an index from ArgMax may be cast to and fro.
  mutating func cast(_ node: ONNXNode) throws(ModelError) {
    try node.expect(attributes: ["to", "saturate"], inputs: 1...1)
    let target = try node.integer("to", default: 0)
    let type = ONNXTensorProto.DataType(rawValue: target) ?? .undefined
    let isFloat = [.float, .float16, .double].contains(type)
    let isInteger = [.int32, .int64].contains(type)
    guard isFloat || isInteger else {
      throw node.error(
        .unsupportedType, "casts to type \(target)",
        remedy: "Only floating point, int32 and int64 are supported.")
    }
    switch (try value(node, 0), isFloat) {
    case (.flow(let flow), true): try define(node, .flow(flow))
    case (.flow(let flow), false):
      guard case .argmax? = chain.last, flow.affine == nil, flow.revision == chain.revision else {
        throw node.error(
          .unsupportedOperator, "truncates to integers", remedy: "Only the index of ArgMax may be an integer."
        )
      }
      try define(node, .flow(flow))
    case (.constant(let constant), _):
      try define(node, .constant(try converted(constant, toFloat: isFloat, node)))
    }
  }

  private func converted(
    _ constant: ONNXConstant, toFloat: Bool, _ node: ONNXNode
  ) throws(ModelError) -> ONNXConstant {
    switch (constant.elements, toFloat) {
    case (.integers(let values), true):
      return ONNXConstant(dimensions: constant.dimensions, elements: .floats(values.map { Float($0) }))
    case (.floats(let values), false):
      var integers: [Int] = []
      for value in values {
        guard let integer = Int(exactly: value.rounded(.towardZero)) else {
          throw node.error(.unsupportedType, "casts \(value) to an integer")
        }
        integers.append(integer)
      }
      return ONNXConstant(dimensions: constant.dimensions, elements: .integers(integers))
    default: return constant
    }
  }

  mutating func literal(_ node: ONNXNode) throws(ModelError) {
    try node.expect(
      attributes: ["value", "value_float", "value_floats", "value_int", "value_ints"], inputs: 0...0)
    guard node.proto.attribute.count == 1, let attribute = node.proto.attribute.first else {
      throw node.error(.malformedFile, "states \(node.proto.attribute.count) values; one is needed")
    }
    let constant: ONNXConstant
    switch attribute.name {
    case "value_float":
      let value = try node.float("value_float", default: 0)
      constant = ONNXConstant(dimensions: [], elements: .floats([value]))
    case "value_floats":
      let values = try node.floats("value_floats") ?? []
      constant = ONNXConstant(dimensions: [values.count], elements: .floats(values))
    case "value_int":
      let value = try node.integer("value_int", default: 0)
      constant = ONNXConstant(dimensions: [], elements: .integers([value]))
    case "value_ints":
      let values = try node.integers("value_ints") ?? []
      constant = ONNXConstant(dimensions: [values.count], elements: .integers(values))
    default:
      guard let tensor = try node.tensor("value") else {
        throw node.error(.malformedFile, "states no value")
      }
      constant = try decode(tensor, node)
    }
    try define(node, .constant(constant))
  }

  /// The dimensions of a tensor, the batch axis as 1.
  mutating func shapeOf(_ node: ONNXNode) throws(ModelError) {
    try node.expect(attributes: node.opset < 15 ? [] : ["start", "end"], inputs: 1...1)
    let dimensions = try value(node, 0).dimensions
    let rank = dimensions.count
    let start = bounded(try node.integer("start", default: 0), rank)
    let end = bounded(try node.integer("end", default: rank), rank)
    let part = start < end ? Array(dimensions[start..<end]) : []
    try define(node, .constant(ONNXConstant(dimensions: [part.count], elements: .integers(part))))
  }

  private func bounded(_ axis: Int, _ rank: Int) -> Int {
    axis < 0 ? max(axis + rank, 0) : min(axis, rank)
  }
}
