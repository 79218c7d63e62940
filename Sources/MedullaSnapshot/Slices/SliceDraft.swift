/// The steps of a slice as they come together.
struct SliceDraft {
  private(set) var steps: [Step] = []
  private(set) var parameters: [StepParameters] = []
  private(set) var records: [StepRecord] = []
  /// Of the tensor that the next step reads.
  private var scale: Double
  private var layer: Int

  init(inputScale: Double, layer: Int) {
    scale = inputScale
    self.layer = layer
  }

  mutating func append(_ step: Step, _ data: StepParameters, _ record: StepRecord) {
    steps.append(step)
    parameters.append(data)
    records.append(record)
    scale = record.outputScale
    layer = record.layer
  }

  /// The steps at `places` with only some of the channels of the one that sums.
  mutating func append(
    _ all: [Step], _ data: [StepParameters], _ names: [StepRecord], _ places: ClosedRange<Int>,
    channels: Range<Int>
  ) throws(SnapshotError) {
    let sums = places.filter { all[$0].block != nil }
    guard let summing = sums.first, sums.count == 1, let block = all[summing].block else {
      throw SnapshotError(
        .badSlice,
        "channels are taken of one layer, and \(sums.count) of the steps are dense or convolutions",
        remedy: "Slice layer by layer.")
    }
    let count = block.channels * block.groups
    guard !channels.isEmpty, channels.lowerBound >= 0, channels.upperBound <= count else {
      throw SnapshotError(
        .badSlice, "there are no channels \(channels.lowerBound) to \(channels.upperBound - 1)",
        remedy: "Step \(summing) (\(all[summing].kind)) has channels 0 to \(count - 1).")
    }
    for index in places where index < summing { append(all[index], data[index], names[index]) }
    try append(all[summing], data[summing], names[summing], channels: channels)
    for index in places where index > summing {
      guard let step = all[index].narrowed(from: count, to: channels.count) else {
        throw SnapshotError(
          .badSlice,
          "step \(index) (\(all[index].kind)) mixes channels and cannot follow some of step \(summing)'s",
          remedy: "End the slice before it.")
      }
      append(step, data[index], names[index])
    }
  }

  private mutating func append(
    _ step: Step, _ data: StepParameters, _ record: StepRecord, channels: Range<Int>
  ) throws(SnapshotError) {
    guard case .linear(let linear) = data else { return append(step, data, record) }
    let rows = linear.rows(channels)
    switch step {
    case .dense(let dense):
      let part = DenseStep(
        inputs: dense.inputs, outputs: channels.count, packing: dense.packing, epilogue: dense.epilogue)
      append(.dense(part), .linear(rows), record)
    case .convolution(let convolution):
      try append(convolution, rows, record, channels: channels)
    default: append(step, data, record)
    }
  }

  private mutating func append(
    _ step: ConvolutionStep, _ rows: LinearParameters, _ record: StepRecord, channels: Range<Int>
  ) throws(SnapshotError) {
    let perGroup = step.outputChannels / step.groups
    let groups = channels.lowerBound / perGroup...(channels.upperBound - 1) / perGroup
    let areWhole = channels.lowerBound % perGroup == 0 && channels.upperBound % perGroup == 0
    guard areWhole || groups.count == 1 else {
      throw SnapshotError(
        .badSlice,
        "channels \(channels.lowerBound) to \(channels.upperBound - 1) cut through groups of "
          + "\(perGroup)", remedy: "Take whole groups, or channels of one.")
    }
    let inputs = step.inputChannels / step.groups
    if groups.count < step.groups {
      // The other groups' inputs are left out first.
      let plane = step.height * step.width
      let indices = Array(groups.lowerBound * inputs * plane..<(groups.upperBound + 1) * inputs * plane)
      let gather = GatherStep(inputs: step.inputChannels * plane, indices: indices)
      append(
        .gather(gather), .none,
        StepRecord(name: "inputs of groups \(groups)", layer: layer, outputScale: scale))
    }
    let part = ConvolutionStep(
      inputChannels: inputs * groups.count, height: step.height, width: step.width,
      outputChannels: channels.count, kernel: step.kernel, strides: step.strides, dilations: step.dilations,
      groups: groups.count, packing: step.packing, epilogue: step.epilogue)
    append(.convolution(part), .linear(rows), record)
  }

  /// The tables that the steps use, in order; the steps then count in that order.
  mutating func takeTables(_ tables: [FunctionTable]) -> [Int] {
    let used = Set(steps.compactMap(\.table)).sorted()
    let places = Dictionary(uniqueKeysWithValues: used.enumerated().map { ($1, $0) })
    steps = steps.map { step in step.table.flatMap { places[$0] }.map(step.using) ?? step }
    return used
  }
}

extension LinearParameters {
  fileprivate func rows(_ channels: Range<Int>) -> LinearParameters {
    let terms = weights.count / max(bias.count, 1)
    return LinearParameters(
      weights: Array(weights[channels.lowerBound * terms..<channels.upperBound * terms]),
      bias: Array(bias[channels]), multipliers: Array(multipliers[channels]), clip: clip)
  }
}

extension Step {
  /// The step on `part` of `whole` channels, when it treats each channel by itself.
  fileprivate func narrowed(from whole: Int, to part: Int) -> Step? {
    switch self {
    case .pad(let step):
      guard step.channels == whole else { return nil }
      return .pad(PadStep(channels: part, height: step.height, width: step.width, padding: step.padding))
    case .pool(let step):
      guard step.channels == whole else { return nil }
      return .pool(
        PoolStep(
          kind: step.kind, channels: part, height: step.height, width: step.width, kernel: step.kernel,
          strides: step.strides, padding: step.padding, outputHeight: step.outputHeight,
          outputWidth: step.outputWidth))
    case .map(let step):
      return .map(MapStep(count: step.count / whole * part, epilogue: step.epilogue))
    case .dense, .convolution, .gather, .softmax, .argmax: return nil
    }
  }

  fileprivate var table: Int? {
    if case .softmax(let step) = self { return step.table }
    if case .table(let index) = epilogue?.function { return index }
    return nil
  }

  /// The step with another place of its table.
  fileprivate func using(_ table: Int) -> Step {
    func moved(_ epilogue: Epilogue) -> Epilogue {
      Epilogue(shift: epilogue.shift, function: .table(index: table))
    }
    switch self {
    case .dense(let step):
      return .dense(
        DenseStep(
          inputs: step.inputs, outputs: step.outputs, packing: step.packing, epilogue: moved(step.epilogue)))
    case .convolution(let step):
      return .convolution(
        ConvolutionStep(
          inputChannels: step.inputChannels, height: step.height, width: step.width,
          outputChannels: step.outputChannels, kernel: step.kernel, strides: step.strides,
          dilations: step.dilations, groups: step.groups, packing: step.packing,
          epilogue: moved(step.epilogue)))
    case .map(let step): return .map(MapStep(count: step.count, epilogue: moved(step.epilogue)))
    case .softmax(let step):
      return .softmax(
        SoftmaxStep(
          rows: step.rows, length: step.length, shift: step.shift, table: table, unit: step.unit))
    case .pad, .pool, .gather, .argmax: return self
    }
  }
}
