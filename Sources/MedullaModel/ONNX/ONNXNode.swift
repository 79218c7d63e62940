/// One node of an ONNX graph, with its attributes read by type and errors that name it.
struct ONNXNode {
  let proto: ONNXNodeProto
  let opset: Int
  let position: Int

  var operation: String { proto.opType }

  var label: String {
    let name = proto.name.isEmpty ? "\(position)" : "\"\(proto.name)\""
    return "node \(name) (\(operation), opset \(opset))"
  }

  func error(_ code: ModelError.Code, _ message: String, remedy: String = "") -> ModelError {
    ModelError(code, "\(label): \(message)", remedy: remedy)
  }

  /// Refuses the node when it has an attribute, an input or an output that its operator's reader ignores.
  func expect(attributes: [String] = [], inputs: ClosedRange<Int>, outputs: Int = 1) throws(ModelError) {
    var seen: Set<String> = []
    for attribute in proto.attribute {
      guard attributes.contains(attribute.name) else {
        throw error(
          .unsupportedAttribute, "attribute \(attribute.name) is not supported",
          remedy: attributes.isEmpty ? "" : "Supported here: \(attributes.joined(separator: ", ")).")
      }
      guard seen.insert(attribute.name).inserted else {
        throw error(.malformedFile, "attribute \(attribute.name) is given twice")
      }
    }
    guard inputs.contains(proto.input.count) else {
      throw error(
        .malformedFile,
        "\(proto.input.count) inputs are given; \(inputs.lowerBound) to \(inputs.upperBound) are understood")
    }
    let named = proto.output.enumerated().filter { !$0.element.isEmpty }
    guard let first = named.first, first.offset == 0, named.allSatisfy({ $0.offset < outputs }) else {
      throw error(
        .unsupportedOperator, "outputs \(proto.output) are asked for; only the first \(outputs) can be given")
    }
  }

  /// The name of an input; nil when it is left out.
  func input(_ index: Int) -> String? {
    guard index < proto.input.count, !proto.input[index].isEmpty else { return nil }
    return proto.input[index]
  }

  private func attribute(
    _ name: String, _ type: ONNXAttributeProto.AttributeType
  ) throws(ModelError) -> ONNXAttributeProto? {
    guard let attribute = proto.attribute.first(where: { $0.name == name }) else { return nil }
    // Writers before IR version 3 could leave the type out.
    guard attribute.type == type || attribute.type == .undefined else {
      throw error(.malformedFile, "attribute \(name) is of type \(attribute.type), not \(type)")
    }
    return attribute
  }

  func integer(_ name: String, default value: Int) throws(ModelError) -> Int {
    guard let attribute = try attribute(name, .int) else { return value }
    return try exact(attribute.i, name)
  }

  func flag(_ name: String) throws(ModelError) -> Bool { try integer(name, default: 0) != 0 }

  func integers(_ name: String) throws(ModelError) -> [Int]? {
    guard let attribute = try attribute(name, .ints) else { return nil }
    var values: [Int] = []
    for value in attribute.ints { values.append(try exact(value, name)) }
    return values
  }

  func float(_ name: String, default value: Float) throws(ModelError) -> Float {
    try attribute(name, .float)?.f ?? value
  }

  func floats(_ name: String) throws(ModelError) -> [Float]? { try attribute(name, .floats)?.floats }

  func tensor(_ name: String) throws(ModelError) -> ONNXTensorProto? { try attribute(name, .tensor)?.t }

  func string(_ name: String, default value: String) throws(ModelError) -> String {
    guard let attribute = try attribute(name, .string) else { return value }
    return String(decoding: attribute.s, as: UTF8.self)
  }

  /// Resolves an axis that may count from the end.
  func axis(_ axis: Int, rank: Int) throws(ModelError) -> Int {
    guard axis >= -rank, axis < rank else {
      throw error(.shapeMismatch, "axis \(axis) does not exist in a tensor of \(rank) dimensions")
    }
    return axis < 0 ? axis + rank : axis
  }

  private func exact(_ value: Int64, _ name: String) throws(ModelError) -> Int {
    guard let value = Int(exactly: value) else {
      throw error(.malformedFile, "attribute \(name) is \(value)")
    }
    return value
  }
}
