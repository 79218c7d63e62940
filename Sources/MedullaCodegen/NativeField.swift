import MedullaSnapshot

/// One array of a native network: its place in the C struct, and which of a snapshot's numbers it holds.
package struct NativeField: Hashable, Sendable {
  package enum Element: String, Hashable, Sendable {
    case int8 = "int8_t"
    case int16 = "int16_t"
    case int32 = "int32_t"
    case int64 = "int64_t"

    package var bytes: Int {
      switch self {
      case .int8: 1
      case .int16: 2
      case .int32: 4
      case .int64: 8
      }
    }
  }

  enum Content: Hashable, Sendable {
    /// Intercept and slope of each segment.
    case lines(table: Int)
    /// Low, width, multiplier and bias of each feature.
    case features
    /// The two bounds of a `clip` epilogue.
    case clip(step: Int)
    /// A row for each output channel.
    case weights(step: Int)
    case bias(step: Int)
    case multipliers(step: Int)
    /// A map's bias and multiplier.
    case map(step: Int)
    case softmax(step: Int)
  }

  package let name: String
  package let element: Element
  /// One dimension or two, as C writes them.
  package let dimensions: [Int]
  let content: Content

  package var count: Int { dimensions.reduce(1, *) }
  package var bytes: Int { count * element.bytes }

  /// The member of the struct.
  var declaration: String {
    "\(element.rawValue) \(name)" + dimensions.map { "[\($0)]" }.joined() + ";"
  }

  /// The field's numbers, row-major; empty when the parameters are another shape's.
  package func values(in parameters: IntegerParameters) -> [Int64] {
    switch content {
    case .lines(let table):
      return parameters.tables[table].flatMap { [Int64($0.intercept), Int64($0.slope)] }
    case .features:
      return parameters.features.flatMap { [$0.low, $0.width, $0.multiplier, $0.bias] }
    case .clip(let step), .weights(let step), .bias(let step), .multipliers(let step), .map(let step),
      .softmax(let step):
      return values(of: parameters.steps[step])
    }
  }

  private func values(of step: StepParameters) -> [Int64] {
    switch (content, step) {
    case (.weights, .linear(let linear)): linear.weights.map(Int64.init)
    case (.bias, .linear(let linear)): linear.bias
    case (.multipliers, .linear(let linear)): linear.multipliers
    case (.clip, .linear(let linear)): linear.clip.map { [$0.lowerBound, $0.upperBound] } ?? []
    case (.clip, .map(let map)): map.clip.map { [$0.lowerBound, $0.upperBound] } ?? []
    case (.map, .map(let map)): [map.bias, map.multiplier]
    case (.softmax, .softmax(let multiplier)): [multiplier]
    default: []
    }
  }

  /// The numbers as a member of an initializer: a row a line.
  func initializer(_ parameters: IntegerParameters) -> [String] {
    let texts = values(in: parameters).map(Self.literal)
    let width = dimensions.count > 1 ? dimensions[1] : texts.count
    guard dimensions.count > 1, width > 0 else { return [".\(name) = { \(texts.joined(separator: ", ")) },"] }
    let rows = stride(from: 0, to: texts.count, by: width).map {
      "\t{ " + texts[$0..<min($0 + width, texts.count)].joined(separator: ", ") + " },"
    }
    return [".\(name) = {"] + rows + ["},"]
  }

  /// The least value has no literal of its own in C.
  private static func literal(_ value: Int64) -> String {
    if value == Int64.min { return "-9223372036854775807LL - 1" }
    return Int64(Int32.min) < value && value <= Int64(Int32.max) ? "\(value)" : "\(value)LL"
  }
}

/// What a native program of one shape keeps: the arrays of a network, and the tensors of a block of rows.
package struct NativeLayout: Sendable {
  /// Rows that go through a step together; a weight that was read serves all of them.
  static let largestBlock = 16
  /// Tensors of a block take at most this much, so that they stay near the processor, unless one row takes
  /// more.
  static let blockBytes = 1 << 18

  package let fields: [NativeField]
  /// The entered features, then the output of every step: how many values a row, and their type.
  package let tensors: [(count: Int, element: NativeField.Element)]
  /// Rows of a block.
  package let block: Int

  /// What one thread's memory takes at most: each tensor begins at a multiple of 8.
  package var memoryBytes: Int {
    tensors.reduce(0) { $0 + (block * $1.count * $1.element.bytes + 7) / 8 * 8 }
  }

  package init(_ shape: ProgramShape) {
    fields = Self.fields(of: shape)
    let counts = [shape.inputs] + shape.steps.map(\.outputCount)
    let tensors = counts.enumerated().map { ($1, Self.element(ofTensor: $0, shape: shape)) }
    self.tensors = tensors
    let rowBytes = tensors.reduce(0) { $0 + $1.0 * $1.1.bytes }
    block = min(max(Self.blockBytes / max(rowBytes, 1), 1), Self.largestBlock)
  }

  private static func fields(of shape: ProgramShape) -> [NativeField] {
    var fields = shape.tables.enumerated().map { index, table in
      NativeField(
        name: "lines\(index)", element: .int32, dimensions: [table.segments, 2],
        content: .lines(table: index))
    }
    fields.append(
      NativeField(
        name: "features", element: .int64, dimensions: [shape.inputs, ImageLayout.featureWords],
        content: .features))
    for (index, step) in shape.steps.enumerated() {
      func append(
        _ name: String, _ element: NativeField.Element, _ dimensions: [Int], _ content: NativeField.Content
      ) {
        fields.append(
          NativeField(name: "\(name)\(index)", element: element, dimensions: dimensions, content: content))
      }
      if step.epilogue?.function == .clip { append("clip", .int64, [2], .clip(step: index)) }
      if let block = block(of: step) {
        let channels = block.channels * block.groups
        let weight: NativeField.Element = shape.scheme == .w16a16 ? .int16 : .int8
        append("weights", weight, [channels, block.terms], .weights(step: index))
        append("bias", .int64, [channels], .bias(step: index))
        append("multiplier", .int64, [channels], .multipliers(step: index))
      }
      if case .map = step { append("map", .int64, [2], .map(step: index)) }
      if case .softmax = step { append("softmax", .int64, [1], .softmax(step: index)) }
    }
    return fields
  }

  private static func block(of step: Step) -> LinearBlock? {
    switch step {
    case .dense(let dense): LinearBlock(dense)
    case .convolution(let convolution): LinearBlock(convolution)
    default: nil
    }
  }

  /// Activations are as narrow as their format; outputs in fixed point, and what only rearranges them, wide.
  private static func element(ofTensor tensor: Int, shape: ProgramShape) -> NativeField.Element {
    let narrow: NativeField.Element = shape.scheme == .w8a8 ? .int8 : .int16
    guard tensor > 0 else { return narrow }
    let step = shape.steps[tensor - 1]
    let limit = shape.scheme.activationLimit
    switch step {
    case .dense, .convolution, .map:
      switch step.epilogue?.function {
      case .clamp(let low, let high): return low >= -limit && high <= limit ? narrow : .int64
      case .leaky(_, _, let reach): return reach <= limit ? narrow : .int64
      case .table(let index): return shape.tables[index].amplitude <= limit ? narrow : .int64
      case .clip:
        // Outputs in fixed point, even when they are only rearranged afterwards.
        let leaves = shape.steps[tensor...].allSatisfy { if case .gather = $0 { true } else { false } }
        return leaves ? .int64 : narrow
      case .identity, nil: return .int64
      }
    case .pad, .pool, .gather: return element(ofTensor: tensor - 1, shape: shape)
    case .softmax(let softmax): return softmax.unit <= limit ? narrow : .int64
    case .argmax: return .int64
    }
  }
}
