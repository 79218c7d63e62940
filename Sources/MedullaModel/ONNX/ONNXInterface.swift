/// The one input and the one output of an ONNX graph.
struct ONNXInterface {
  let inputName: String
  /// Every dimension of the input, the batch axis as 1.
  let inputDimensions: [Int]
  /// The input without its batch axis.
  let inputShape: TensorShape
  let outputName: String

  init(_ graph: ONNXGraphProto, output: String?) throws(ModelError) {
    // Before IR version 4 initializers were listed among the inputs.
    let initializers = Set(graph.initializer.map(\.name))
    let inputs = graph.input.filter { !initializers.contains($0.name) }
    guard inputs.count == 1, let input = inputs.first else {
      throw ModelError(
        .unsupportedShape, "the graph has \(inputs.count) inputs; one is needed",
        remedy: "Join the inputs to one vector before export.")
    }
    inputName = input.name
    inputDimensions = try Self.dimensions(of: input)
    inputShape = ONNXFlow.layerShape(of: inputDimensions)
    guard inputShape.isUsable else {
      throw ModelError(.unsupportedShape, "input \(input.name) has shape \(inputShape)")
    }
    outputName = try Self.outputName(of: graph, chosen: output)
  }

  private static func outputName(of graph: ONNXGraphProto, chosen: String?) throws(ModelError) -> String {
    let names = graph.output.map(\.name)
    if let chosen {
      guard names.contains(chosen) else {
        throw ModelError(.missingData, "the graph has no output \(chosen)", remedy: "It has: \(list(names)).")
      }
      return chosen
    }
    guard names.count == 1, let name = names.first, !name.isEmpty else {
      throw ModelError(
        .unsupportedShape, "the graph has \(names.count) outputs; one is needed",
        remedy: "Choose one by its name (`medulla compile --output-name NAME`): \(list(names)).")
    }
    return name
  }

  private static func list(_ names: [String]) -> String {
    names.isEmpty ? "none" : names.prefix(8).joined(separator: ", ")
  }

  private static func dimensions(of input: ONNXValueInfoProto) throws(ModelError) -> [Int] {
    let label = "input \(input.name)"
    guard case .tensorType(let type)? = input.type.value, type.hasShape else {
      throw ModelError(
        .unsupportedShape, "\(label) states no tensor shape", remedy: "Export with a known shape.")
    }
    guard [.float, .float16, .double, .undefined].contains(type.elemType) else {
      throw ModelError(
        .unsupportedType, "\(label) holds \(type.elemType), not floating point",
        remedy: "Export the network with a float32 input.")
    }
    let stated = type.shape.dim
    guard (1...ModelLimits.rank).contains(stated.count) else {
      throw ModelError(.unsupportedShape, "\(label) has \(stated.count) dimensions")
    }
    var dimensions: [Int] = []
    for (axis, dimension) in stated.enumerated() {
      let isBatch = axis == 0 && stated.count > 1
      if case .dimValue(let value)? = dimension.value, value > 0, let size = Int(exactly: value) {
        guard !isBatch || size == 1 else {
          throw ModelError(
            .unsupportedShape, "\(label) has a fixed batch of \(size)",
            remedy: "Export with a symbolic batch dimension, or 1: a network in the datapath sees one input.")
        }
        dimensions.append(size)
      } else if isBatch {
        dimensions.append(1)
      } else {
        throw ModelError(
          .unsupportedShape, "\(label) has no fixed size along axis \(axis)",
          remedy: "Only the batch dimension may be symbolic; export with the sizes that will be used.")
      }
    }
    return dimensions
  }
}
