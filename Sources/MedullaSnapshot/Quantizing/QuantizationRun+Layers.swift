import MedullaModel

extension QuantizationRun {
  mutating func quantize(
    _ dense: Dense, _ activation: Activation?, at layer: Int
  ) throws(SnapshotError) {
    let name = label(layer, activation)
    let plan = try epilogue(activation, at: layer)
    var weights: [Double] = []
    var bias: [Double] = []
    weights.reserveCapacity(dense.weights.count)
    for output in 0..<dense.outputs {
      var sum = Double(dense.bias[output])
      for input in 0..<dense.inputs {
        let weight = Double(dense.weights[output * dense.inputs + input])
        weights.append(weight * format.scale(of: input))
        sum += weight * format.zero(of: input)
      }
      bias.append(sum)
    }
    let problem = LinearProblem(
      name: name, kind: "dense", block: (dense.outputs, 1, dense.inputs), weights: weights, bias: bias,
      moments: [
        InputMoments(
          TensorRows(samples: values, terms: dense.inputs), withCovariance: options.compensatesErrors)
      ],
      meanOutputs: floats.channelMeans(layer), input: range)
    var fixed: (packing: Packing, shift: Int)?
    if case .dense(let step) = matchingStep { fixed = (step.packing, step.epilogue.shift) }
    let result = try LinearQuantizer(options: options, plan: plan, tables: lines, fixed: fixed).quantize(
      problem)
    let step = DenseStep(
      inputs: dense.inputs, outputs: dense.outputs, packing: result.packing,
      epilogue: Epilogue(shift: result.shift, function: plan.function))
    try append(
      .dense(step), .linear(result.parameters), layer: layer + (activation == nil ? 0 : 1), name: name,
      format: .uniform(scale: plan.outputScale))
  }

  mutating func quantize(
    _ convolution: Convolution, _ activation: Activation?, at layer: Int
  ) throws(SnapshotError) {
    let name = label(layer, activation)
    let plan = try epilogue(activation, at: layer)
    let input = shape.dimensions
    let padding = convolution.padding
    var height = input[1]
    var width = input[2]
    if padding != Padding() {
      let pad = PadStep(channels: input[0], height: height, width: width, padding: padding)
      height = pad.outputHeight
      width = pad.outputWidth
      try append(
        .pad(pad), .none, layer: records.last?.layer ?? -1, name: "layer \(layer) padding", format: format)
    }
    var fixed: (packing: Packing, shift: Int)?
    if case .convolution(let step) = matchingStep { fixed = (step.packing, step.epilogue.shift) }
    // The geometry is the same whatever the packing; the rows of terms come from it.
    func step(_ packing: Packing, _ shift: Int) -> ConvolutionStep {
      ConvolutionStep(
        inputChannels: convolution.inputChannels, height: height, width: width,
        outputChannels: convolution.outputChannels, kernel: convolution.kernel, strides: convolution.strides,
        dilations: convolution.dilations, groups: convolution.groups, packing: packing,
        epilogue: Epilogue(shift: shift, function: plan.function))
    }
    let geometry = step(.single, 0)
    let scale = format.scale(of: 0)
    let problem = LinearProblem(
      name: name, kind: "convolution",
      block: (convolution.outputChannels / convolution.groups, convolution.groups, geometry.fanIn),
      weights: convolution.weights.map { Double($0) * scale }, bias: convolution.bias.map(Double.init),
      moments: (0..<convolution.groups).map {
        InputMoments(
          PatchRows(samples: values, step: geometry, group: $0), withCovariance: options.compensatesErrors)
      },
      meanOutputs: floats.channelMeans(layer), input: range)
    let result = try LinearQuantizer(options: options, plan: plan, tables: lines, fixed: fixed).quantize(
      problem)
    try append(
      .convolution(step(result.packing, result.shift)), .linear(result.parameters),
      layer: layer + (activation == nil ? 0 : 1), name: name, format: .uniform(scale: plan.outputScale))
  }

  mutating func quantize(_ pool: Pool, at layer: Int) throws(SnapshotError) {
    let kind: PoolStep.Kind
    switch pool.kind {
    case .max: kind = .maximum
    case .average(let countsPadding): kind = countsPadding ? .averageCountingPadding : .average
    }
    let input = shape.dimensions
    let output = network.layerShapes[layer].dimensions
    let step = PoolStep(
      kind: kind, channels: input[0], height: input[1], width: input[2], kernel: pool.kernel,
      strides: pool.strides, padding: pool.padding, outputHeight: output[1], outputWidth: output[2])
    try append(
      .pool(step), .none, layer: layer, name: "layer \(layer) pool", format: format)
  }

  mutating func rearrange(_ rearrangement: Rearrangement, at layer: Int) throws(SnapshotError) {
    let indices = rearrangement.indices
    if indices == Array(0..<shape.count) {
      shape = network.layerShapes[layer]
      return
    }
    let step = Step.gather(GatherStep(inputs: shape.count, indices: indices))
    try append(
      step, .none, layer: layer, name: "layer \(layer) rearrange", format: format.gathered(indices))
  }

  mutating func softmax(at layer: Int) throws(SnapshotError) {
    let leaves = network.leavesAfter(layer)
    let unit = leaves ? Int64(1) << Int64(options.outputFractionBits) : options.scheme.activationLimit
    let table = try place(
      FunctionTable(function: .decay, amplitude: 1 << 20, scheme: .w8a16))
    let length = shape.dimensions.last ?? shape.count
    let shift = 30
    let multiplier =
      (format.scale(of: 0) / tables[table].step * Double(Int64(1) << Int64(shift))).rounded()
    guard multiplier >= 1, multiplier < 0x1p46 else {
      throw SnapshotError(
        .unsupportedLayer, "layer \(layer) (softmax) has inputs of a scale that its table cannot take")
    }
    let step = SoftmaxStep(
      rows: shape.count / length, length: length, shift: shift, table: table, unit: unit)
    try append(
      .softmax(step), .softmax(multiplier: Int64(multiplier)), layer: layer, name: "layer \(layer) softmax",
      format: .uniform(scale: 1 / Double(unit)))
  }

  /// A function of each element by itself, or the change to output fixed point.
  mutating func map(
    _ activation: Activation?, outputBits: Int?, layer: Int, name: String
  ) throws(SnapshotError) {
    let reach = layer >= 0 ? reach(after: layer) : 1
    let plan = try plan(activation, reach: reach, outputBits: outputBits)
    let scale = format.scale(of: 0) * plan.gain
    guard scale > 0 else {
      throw SnapshotError(.unsupportedLayer, "\(name) has a slope that is not positive")
    }
    var shift = 30
    if case .map(let step) = matchingStep {
      shift = step.epilogue.shift
    } else {
      while scale / plan.unit * power(shift) < 0x1p14, shift < 54 { shift += 4 }
      while scale / plan.unit * power(shift) > 0x1p40, shift >= 4 { shift -= 4 }
    }
    let multiplier = (scale / plan.unit * power(shift)).rounded()
    let bias = (((plan.offset - plan.origin) / plan.unit + 0.5) * power(shift) / multiplier).rounded()
    guard multiplier >= 1, multiplier < 0x1p46, abs(bias) < 0x1p60 else {
      throw SnapshotError(.unsupportedLayer, "\(name) has inputs of a scale that it cannot take")
    }
    let data = MapParameters(bias: Int64(bias), multiplier: Int64(multiplier), clip: plan.clip)
    let step = MapStep(count: shape.count, epilogue: Epilogue(shift: shift, function: plan.function))
    try append(
      .map(step), .map(data), layer: layer, name: name, format: .uniform(scale: plan.outputScale))
  }

  private func power(_ exponent: Int) -> Double {
    Double(sign: .plus, exponent: exponent, significand: 1)
  }

  private func label(_ layer: Int, _ activation: Activation?) -> String {
    let kind = network.layers[layer].kind
    return activation == nil
      ? "layer \(layer) \(kind)" : "layer \(layer) \(kind) + \(network.layers[layer + 1].kind)"
  }

  private mutating func epilogue(
    _ activation: Activation?, at layer: Int
  ) throws(SnapshotError) -> EpiloguePlan {
    let last = activation == nil ? layer : layer + 1
    let output = network.leavesAfter(last) ? options.outputFractionBits : nil
    return try plan(activation, reach: reach(after: last), outputBits: output)
  }

  private mutating func plan(
    _ activation: Activation?, reach: Double, outputBits: Int?
  ) throws(SnapshotError) -> EpiloguePlan {
    let one = outputBits.map { Int64(1) << Int64($0) } ?? options.scheme.activationLimit
    var table: Int?
    if activation == .tanh || activation == .sigmoid {
      table = try place(
        FunctionTable(
          function: activation == .tanh ? .tanh : .sigmoid, amplitude: one, scheme: options.scheme))
    }
    return try EpiloguePlan.plan(
      activation, reach: reach, scheme: options.scheme, outputBits: outputBits, table: table)
  }
}
