import MedullaModel

/// One pass over a network, from the features to the outputs.
struct QuantizationRun {
  let network: Network
  let options: QuantizerOptions
  let calibration: Calibration
  let floats: FloatStatistics
  let entry: FeatureEntry

  var steps: [Step] = []
  var parameters: [StepParameters] = []
  var tables: [FunctionTable] = []
  var lines: [TableLines] = []
  var records: [StepRecord] = []
  /// The integers of the current tensor for every calibration sample.
  var values: [[Int64]]
  var format: TensorFormat
  var shape: TensorShape
  /// Every integer of the current tensor lies here, for any input.
  var range: ClosedRange<Int64>

  init(
    network: Network, calibration: Calibration, options: QuantizerOptions
  ) throws(SnapshotError) {
    self.network = network
    self.options = options
    self.calibration = calibration
    let samples = CalibrationSplit(calibration, for: network).calibration
    let separate = network.firstWorkingLayer.map { if case .dense = $0 { true } else { false } } ?? false
    entry = try FeatureEntry(
      ranges: FeatureEntry.ranges(of: calibration, shown: samples, options: options), separate: separate,
      options: options)
    let reference = FloatReference(network)
    var floats = FloatStatistics(of: network, samples: samples.count, percentile: options.percentile)
    for sample in samples { floats.add(try network.finiteTrace(of: sample, by: reference)) }
    self.floats = floats
    let scalings = entry.scalings
    values = samples.map { sample in
      zip(sample, scalings).map { value, scaling in
        scaling.apply(
          ProgramShape.fixedPoint(Double(value), fractionBits: options.featureFractionBits),
          shift: ProgramShape.standardFeatureShift)
      }
    }
    format = entry.format
    shape = network.inputShape
    range = try BoundProof.entry(
      entry.scalings, scheme: options.scheme, shift: ProgramShape.standardFeatureShift)
  }

  mutating func finish() throws(SnapshotError) -> Snapshot {
    var layer = 0
    while layer < network.layers.count {
      layer += try quantize(layer: layer)
    }
    try leaveInFixedPoint()
    let shape = ProgramShape(
      scheme: options.scheme, inputs: network.inputShape.count,
      featureFractionBits: options.featureFractionBits, outputFractionBits: options.outputFractionBits,
      flows: options.flows, tables: tables, steps: steps)
    try shape.flows?.check(inputs: shape.inputs, outputs: shape.outputs) { reason in
      SnapshotError(
        .badCalibration, "the network's interface does not fit it: \(reason)",
        remedy: "Give a feature for each input, and a label for each output or none.")
    }
    if let matching = options.matching, matching != shape {
      throw SnapshotError(
        .shapeMismatch, "the network needs the program \(shape) and is to match \(matching)",
        remedy: "Compile a new program for it.")
    }
    let record = SnapshotRecord(
      networkName: network.name, networkDigest: network.digest, inputName: network.inputName,
      outputName: network.outputName, calibrationDigest: calibration.digest, options: options.canonical,
      featureRanges: entry.ranges, steps: records)
    return try Snapshot(
      shape: shape,
      parameters: IntegerParameters(
        tables: lines.map(\.entries), features: entry.scalings, steps: parameters),
      record: record)
  }

  /// Quantizes the layer, together with an activation right after it.
  ///
  /// - Returns: how many layers it took.
  private mutating func quantize(layer: Int) throws(SnapshotError) -> Int {
    let kind = network.layers[layer].kind
    switch network.layers[layer] {
    case .dense(let dense):
      let activation = network.activation(at: layer + 1)
      try quantize(dense, activation, at: layer)
      return activation == nil ? 1 : 2
    case .convolution(let convolution):
      let activation = network.activation(at: layer + 1)
      try quantize(convolution, activation, at: layer)
      return activation == nil ? 1 : 2
    case .activation(let activation):
      let output = network.leavesAfter(layer) ? options.outputFractionBits : nil
      try map(activation, outputBits: output, layer: layer, name: "layer \(layer) \(kind)")
    case .pool(let pool): try quantize(pool, at: layer)
    case .rearrange(let rearrangement): try rearrange(rearrangement, at: layer)
    case .softmax:
      try softmax(at: layer)
    case .argmax:
      guard network.leavesAfter(layer) else {
        throw SnapshotError(.unsupportedLayer, "layer \(layer) (argmax) is not the last one")
      }
      let unit = Int64(1) << Int64(options.outputFractionBits)
      try append(
        .argmax(ArgmaxStep(inputs: shape.count, unit: unit)), .none, layer: layer,
        name: "layer \(layer) argmax", format: .uniform(scale: 1 / Double(unit)))
    }
    return 1
  }

  /// Adds a step and runs it on the calibration samples.
  ///
  /// - Throws: `notProven` when its worst case is not.
  mutating func append(
    _ step: Step, _ data: StepParameters, layer: Int, name: String, format: TensorFormat
  ) throws(SnapshotError) {
    range = try StepBounds(tables: lines).after(step, data, at: steps.count, input: range).output
    let evaluator = StepEvaluator(tables: lines)
    for index in values.indices { values[index] = evaluator.apply(step, data, to: values[index]) }
    steps.append(step)
    parameters.append(data)
    records.append(StepRecord(name: name, layer: layer, outputScale: format.scale(of: 0)))
    self.format = format
    if layer >= 0 { shape = network.layerShapes[layer] }
  }

  /// The place of a table in the shape; a new one only when no equal one exists. Programs hold half of it
  /// where that gives all, unless the running one that is to be matched holds it whole.
  mutating func place(_ wanted: FunctionTable) throws(SnapshotError) -> Int {
    let entries = try wanted.entries()
    let isWhole = options.matching?.tables.contains(wanted) ?? false
    let table = !isWhole && wanted.mirrors(entries) ? wanted.halved : wanted
    if let index = tables.firstIndex(of: table) { return index }
    lines.append(TableLines(spec: table, entries: entries))
    tables.append(table)
    return tables.count - 1
  }

  /// The largest magnitude that calibration saw after a layer, with the options' percentile and headroom.
  func reach(after layer: Int) -> Double {
    floats.magnitude(after: layer, percent: options.percentile) * (1 + options.headroom)
  }

  /// What a running program has at the place of the next step.
  var matchingStep: Step? {
    options.matching.flatMap { $0.steps.indices.contains(steps.count) ? $0.steps[steps.count] : nil }
  }

  private mutating func leaveInFixedPoint() throws(SnapshotError) {
    let unit = Double(sign: .plus, exponent: -options.outputFractionBits, significand: 1)
    let layer = network.layers.count - 1
    if !steps.isEmpty, case .uniform(let scale) = format, scale == unit { return }
    guard case .uniform = format else {
      throw SnapshotError(.unsupportedLayer, "the network has no layer that computes anything")
    }
    try map(nil, outputBits: options.outputFractionBits, layer: layer, name: "output")
  }
}

extension Network {
  func activation(at layer: Int) -> Activation? {
    guard layers.indices.contains(layer), case .activation(let activation) = layers[layer] else { return nil }
    return activation
  }

  /// Whether only rearrangements follow: the layer's outputs are the network's.
  func leavesAfter(_ layer: Int) -> Bool {
    layers[(layer + 1)...].allSatisfy { if case .rearrange = $0 { true } else { false } }
  }

  /// The first layer that is not a mere rearrangement.
  var firstWorkingLayer: Layer? {
    layers.first { if case .rearrange = $0 { false } else { true } }
  }
}
