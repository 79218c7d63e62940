import Foundation

/// Reads a network from a safetensors file with its weights and a `layers.json` with its architecture.
package enum SafetensorsReader {
  /// - Parameters:
  ///   - weights: path of the safetensors file.
  ///   - layers: path of the layer list, `docs/reference/layers-json.md`.
  /// - Throws: `io`, and what `read(weights:layers:name:)` throws for bytes.
  package static func read(weights: String, layers: String) throws(ModelError) -> Network {
    let name = URL(fileURLWithPath: weights).deletingPathExtension().lastPathComponent
    return try read(weights: try ModelFile.read(weights), layers: try ModelFile.read(layers), name: name)
  }

  /// - Parameter name: what to call the network when the layer list has no name for it.
  /// - Throws: `malformedFile` for either document, `missingData` for a tensor that is not there,
  ///   `unsupportedType`, `unsupportedOperator` for an unknown kind, `shapeMismatch` where sizes do not fit.
  package static func read(weights: Data, layers: Data, name: String = "network") throws(ModelError)
    -> Network
  {
    let file = try SafetensorsFile(weights)
    let list = try LayerList.read(layers)
    let inputShape = TensorShape(list.input.shape)
    guard inputShape.isUsable else {
      throw ModelError(.unsupportedShape, "the layer list states an input of shape \(inputShape)")
    }
    guard list.layers.count <= ModelLimits.layers else {
      throw ModelError(.unsupportedShape, "the layer list has \(list.layers.count) layers")
    }
    var shape = inputShape
    var result: [Layer] = []
    var elements = 0
    for (position, entry) in list.layers.enumerated() {
      let source = LayerSource(entry: entry, file: file, input: shape, position: position)
      let layer = try source.layer()
      shape = try layer.outputShape(from: shape, position: position)
      // A short document may flatten a large tensor again and again.
      if case .rearrange = layer { elements += shape.count }
      guard elements <= LayerChain.viewElements else {
        throw ModelError(
          .unsupportedShape, "the layer list rearranges more than \(LayerChain.viewElements) elements")
      }
      result.append(layer)
    }
    return try Network(
      name: list.name ?? name, inputName: list.input.name ?? "input", outputName: list.output ?? "output",
      inputShape: inputShape, layers: result)
  }
}

/// One entry of a layer list beside the tensors and the shape that it is to be read with.
private struct LayerSource {
  let entry: LayerEntry
  let file: SafetensorsFile
  let input: TensorShape
  let position: Int

  private var fields: LayerEntry.Fields { entry.fields }
  private var label: String { "layer \(position) (\(fields.kind.prefix(40)))" }

  func layer() throws(ModelError) -> Layer {
    guard let understood = LayerEntry.understood[fields.kind] else {
      throw ModelError(
        .unsupportedOperator, "\(label) is of an unknown kind",
        remedy: "Known: \(LayerEntry.understood.keys.sorted().joined(separator: ", ")).")
    }
    if let key = entry.keys.subtracting(understood).subtracting(["kind"]).min() {
      throw ModelError(
        .unsupportedAttribute, "\(label) does not understand the key \(key.prefix(40))",
        remedy: "Understood: \((["kind"] + understood.sorted()).joined(separator: ", ")).")
    }
    switch fields.kind {
    case "dense": return try dense()
    case "convolution": return try convolution()
    case "maxPool": return try pool(.max)
    case "averagePool": return try pool(.average(countsPadding: fields.countsPadding ?? false))
    case "globalAveragePool": return try globalPool()
    case "flatten": return .rearrange(inOrder(TensorShape([input.count])))
    case "reshape": return try reshape()
    case "rearrange": return try rearrange()
    case "relu": return .activation(.relu)
    case "leakyRelu": return .activation(.leakyRelu(slope: fields.slope ?? 0.01))
    case "clip":
      let largest = Float.greatestFiniteMagnitude
      return .activation(.clip(minimum: fields.minimum ?? -largest, maximum: fields.maximum ?? largest))
    case "tanh": return .activation(.tanh)
    case "sigmoid": return .activation(.sigmoid)
    case "hardSigmoid": return .activation(.hardSigmoid(alpha: fields.alpha ?? 0.2, beta: fields.beta ?? 0.5))
    case "softmax": return .softmax
    default: return .argmax
    }
  }

  private func weights(rank: Int) throws(ModelError) -> (shape: [Int], values: [Float]) {
    guard let name = fields.weight else { throw missing("weight") }
    let tensor = try file.tensor(name)
    guard tensor.shape.count == rank, !tensor.shape.contains(0) else {
      throw ModelError(
        .shapeMismatch, "\(label): tensor \(name) has shape \(tensor.shape); \(rank) dimensions are needed")
    }
    return tensor
  }

  private func bias(_ count: Int) throws(ModelError) -> [Float] {
    guard let name = fields.bias else { return [Float](repeating: 0, count: count) }
    return try file.tensor(name).values
  }

  private func dense() throws(ModelError) -> Layer {
    let (shape, values) = try weights(rank: 2)
    guard fields.transposed ?? false else {
      return .dense(
        Dense(inputs: shape[1], outputs: shape[0], weights: values, bias: try bias(shape[0])))
    }
    let rows = StridedView(shape).transposed([1, 0]).indices.map { values[$0] }
    return .dense(Dense(inputs: shape[0], outputs: shape[1], weights: rows, bias: try bias(shape[1])))
  }

  private func convolution() throws(ModelError) -> Layer {
    let (shape, values) = try weights(rank: 4)
    let groups = fields.groups ?? 1
    let (channels, overflow) = shape[1].multipliedReportingOverflow(by: groups)
    guard !overflow, groups > 0 else {
      throw ModelError(.unsupportedAttribute, "\(label) has \(groups) groups")
    }
    return .convolution(
      Convolution(
        inputChannels: channels, outputChannels: shape[0], kernel: Extent(height: shape[2], width: shape[3]),
        strides: try extent(fields.strides, "strides") ?? Extent(height: 1, width: 1),
        dilations: try extent(fields.dilations, "dilations") ?? Extent(height: 1, width: 1),
        padding: try padding(), groups: groups, weights: values, bias: try bias(shape[0])))
  }

  private func pool(_ kind: Pool.Kind) throws(ModelError) -> Layer {
    guard let kernel = try extent(fields.kernel, "kernel") else { throw missing("kernel") }
    let strides = try extent(fields.strides, "strides") ?? kernel
    return .pool(Pool(kind: kind, kernel: kernel, strides: strides, padding: try padding()))
  }

  private func globalPool() throws(ModelError) -> Layer {
    guard input.rank == 3 else {
      throw ModelError(.shapeMismatch, "\(label) needs [channels×height×width] and is given \(input)")
    }
    let kernel = Extent(height: input.dimensions[1], width: input.dimensions[2])
    return .pool(
      Pool(kind: .average(countsPadding: false), kernel: kernel, strides: Extent(height: 1, width: 1)))
  }

  private func reshape() throws(ModelError) -> Layer {
    guard let sizes = fields.shape else { throw missing("shape") }
    return .rearrange(inOrder(TensorShape(sizes)))
  }

  private func rearrange() throws(ModelError) -> Layer {
    guard let indices = fields.indices else { throw missing("indices") }
    let shape = TensorShape(fields.shape ?? [indices.count])
    return .rearrange(Rearrangement(indices: indices, shape: shape))
  }

  private func inOrder(_ shape: TensorShape) -> Rearrangement {
    Rearrangement(indices: Array(0..<input.count), shape: shape)
  }

  private func extent(_ values: [Int]?, _ key: String) throws(ModelError) -> Extent? {
    guard let values else { return nil }
    guard values.count == 2 else {
      throw ModelError(
        .malformedFile, "\(label): \(key) has \(values.count) values; [height, width] is needed")
    }
    return Extent(height: values[0], width: values[1])
  }

  /// `[height, width]` for both sides, or `[top, left, bottom, right]`.
  private func padding() throws(ModelError) -> Padding {
    switch fields.padding {
    case nil: return Padding()
    case let sizes? where sizes.count == 2:
      return Padding(top: sizes[0], left: sizes[1], bottom: sizes[0], right: sizes[1])
    case let sizes? where sizes.count == 4:
      return Padding(top: sizes[0], left: sizes[1], bottom: sizes[2], right: sizes[3])
    default:
      throw ModelError(
        .malformedFile, "\(label): padding needs [height, width] or [top, left, bottom, right]")
    }
  }

  private func missing(_ key: String) -> ModelError {
    ModelError(
      .malformedFile, "\(label): \(key) is missing",
      remedy: "docs/reference/layers-json.md describes the document.")
  }
}
