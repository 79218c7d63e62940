/// The worst case of one step over every input that the format allows, computed from the actual weights.
package struct StepProof: Hashable, Sendable, Codable {
  package let step: Int
  package let kind: String
  package let channels: Int
  /// Terms of one sum.
  package let terms: Int
  package let packing: Packing
  /// The smallest and largest value that any channel's sum can take, bias included.
  package let lowestSum: Int64
  package let highestSum: Int64
  /// The channel with the largest magnitude.
  package let worstChannel: Int
  /// What a lane holds: sums must lie in −laneLimit − 1…laneLimit.
  package let laneLimit: Int64
  /// The largest |sum · multiplier|, proven to be below 2⁶³.
  package let largestProduct: Int64
  /// The range of the step's outputs.
  package let lowestOutput: Int64
  package let highestOutput: Int64
}

/// Computes worst cases step by step and refuses what is not proven.
struct BoundProof {
  let shape: ProgramShape
  let parameters: IntegerParameters
  private let tables: [TableLines]

  init(shape: ProgramShape, parameters: IntegerParameters) {
    self.shape = shape
    self.parameters = parameters
    tables = zip(shape.tables, parameters.tables).map { TableLines(spec: $0, entries: $1) }
  }

  /// One proof for each step with sums.
  ///
  /// - Throws: `notProven` that names the step and channel.
  func prove() throws(SnapshotError) -> [StepProof] { try walk().proofs }

  /// What the tensor before each step can hold, and last what the outputs can.
  func ranges() throws(SnapshotError) -> [ClosedRange<Int64>] { try walk().ranges }

  private func walk() throws(SnapshotError) -> (proofs: [StepProof], ranges: [ClosedRange<Int64>]) {
    var range = try featureRange()
    var ranges = [range]
    var proofs: [StepProof] = []
    for (index, step) in shape.steps.enumerated() {
      defer { ranges.append(range) }
      switch (step, parameters.steps[index]) {
      case (.dense(let dense), .linear(let linear)):
        let proof = try prove(index, step, LinearBlock(dense), dense.epilogue, linear, range)
        range = proof.lowestOutput...proof.highestOutput
        proofs.append(proof)
      case (.convolution(let convolution), .linear(let linear)):
        let block = LinearBlock(convolution)
        let proof = try prove(index, step, block, convolution.epilogue, linear, range)
        range = proof.lowestOutput...proof.highestOutput
        proofs.append(proof)
      case (.map(let map), .map(let data)):
        let linear = LinearParameters(
          weights: [1], bias: [data.bias], multipliers: [data.multiplier], clip: data.clip)
        let block = LinearBlock(channels: 1, terms: 1, groups: 1, packing: .single)
        let proof = try prove(index, step, block, map.epilogue, linear, range)
        range = proof.lowestOutput...proof.highestOutput
        proofs.append(proof)
      case (.pad, _): range = min(range.lowerBound, 0)...max(range.upperBound, 0)
      case (.softmax(let softmax), .softmax(let multiplier)):
        range = try proveSoftmax(index, softmax, multiplier, range)
      case (.argmax(let argmax), _): range = 0...(Int64(argmax.inputs) * argmax.unit)
      default: try proveAverage(index, step, range)
      }
    }
    return (proofs, ranges)
  }

  private func featureRange() throws(SnapshotError) -> ClosedRange<Int64> {
    let limit = shape.scheme.activationLimit
    var lowest = limit
    var highest = -limit
    for (index, feature) in parameters.features.enumerated() {
      let (span, overflow) = feature.width.multipliedReportingOverflow(by: feature.multiplier)
      let (top, more) = span.addingReportingOverflow(feature.bias)
      guard feature.width >= 0, feature.multiplier >= 0, !overflow, !more,
        feature.bias >> Int64(shape.featureShift) >= -limit, top >> Int64(shape.featureShift) <= limit
      else {
        throw SnapshotError(
          .notProven, "feature \(index) is not proven to enter within ±\(limit)",
          remedy: "Give a narrower range for it, or fewer fraction bits.")
      }
      lowest = min(lowest, feature.bias >> Int64(shape.featureShift))
      highest = max(highest, top >> Int64(shape.featureShift))
    }
    return lowest...max(lowest, highest)
  }

  private func prove(
    _ index: Int, _ step: Step, _ block: LinearBlock, _ epilogue: Epilogue, _ linear: LinearParameters,
    _ input: ClosedRange<Int64>
  ) throws(SnapshotError) -> StepProof {
    let terms = block.terms
    var lowest = Int64.max
    var highest = Int64.min
    var worst = 0
    var product: Int64 = 0
    var output: ClosedRange<Int64>?
    try checkTerms(index, step, block, linear, input)
    for channel in 0..<block.channels * block.groups {
      let sums = sumRange(linear, channel: channel, terms: terms, input: input)
      let multiplier = linear.multipliers[channel]
      let laneLimit = block.packing == .pair ? Int64(Int32.max) : Int64.max >> 1
      guard let sums, sums.lowerBound >= -laneLimit - 1, sums.upperBound <= laneLimit, multiplier >= 0,
        let least = exactProduct(sums.lowerBound, multiplier),
        let most = exactProduct(sums.upperBound, multiplier)
      else {
        throw notProven(index, step, channel, block.packing, sums)
      }
      let magnitude = max(abs(least), abs(most))
      if max(abs(sums.lowerBound), abs(sums.upperBound)) > max(abs(min(lowest, 0)), abs(max(highest, 0))) {
        worst = channel
      }
      lowest = min(lowest, sums.lowerBound)
      highest = max(highest, sums.upperBound)
      product = max(product, magnitude)
      let values = (least >> Int64(epilogue.shift))...(most >> Int64(epilogue.shift))
      guard let image = apply(epilogue.function, to: values, clip: linear.clip) else {
        throw notProven(index, step, channel, block.packing, sums)
      }
      output =
        output.map {
          min($0.lowerBound, image.lowerBound)...max($0.upperBound, image.upperBound)
        } ?? image
    }
    return StepProof(
      step: index, kind: step.kind, channels: block.channels * block.groups, terms: terms,
      packing: block.packing, lowestSum: lowest, highestSum: highest, worstChannel: worst,
      laneLimit: block.packing == .pair
        ? Int64(Int32.max) : block.packing == .triple ? 1 << 20 - 1 : Int64.max >> 1,
      largestProduct: product, lowestOutput: output?.lowerBound ?? 0, highestOutput: output?.upperBound ?? 0)
  }

  /// Inputs and weights must be narrow enough that no partial sum leaves 64 bits or a 21-bit lane.
  private func checkTerms(
    _ index: Int, _ step: Step, _ block: LinearBlock, _ linear: LinearParameters, _ input: ClosedRange<Int64>
  ) throws(SnapshotError) {
    let widest = max(abs(input.lowerBound), abs(input.upperBound))
    let heaviest = linear.weights.reduce(Int64(0)) { max($0, abs(Int64($1))) }
    let limit = block.packing == .triple ? (1 << 20 - 1) / Int64(Packing.largestTriple) : 1 << 38
    let fits = widest < 1 << 40 && (widest == 0 || heaviest <= limit / widest)
    guard fits || step.kind == "map", linear.bias.allSatisfy({ $0.magnitude < 1 << 61 })
    else { throw notProven(index, step, 0, block.packing, nil) }
  }

  private func sumRange(
    _ linear: LinearParameters, channel: Int, terms: Int, input: ClosedRange<Int64>
  ) -> ClosedRange<Int64>? {
    var positive: Int64 = 0
    var negative: Int64 = 0
    linear.weights.withUnsafeBufferPointer { weights in
      for term in channel * terms..<(channel + 1) * terms {
        let weight = Int64(weights[term])
        if weight > 0 { positive += weight } else { negative += weight }
      }
    }
    guard let a = exactProduct(positive, input.lowerBound), let b = exactProduct(negative, input.upperBound),
      let c = exactProduct(positive, input.upperBound), let d = exactProduct(negative, input.lowerBound)
    else { return nil }
    let bias = linear.bias[channel]
    guard let low = exactSum(a, b, bias), let high = exactSum(c, d, bias) else { return nil }
    return low...high
  }

  private func apply(
    _ function: Epilogue.Function, to values: ClosedRange<Int64>, clip: ClosedRange<Int64>?
  ) -> ClosedRange<Int64>? {
    switch function {
    case .identity: return values
    case .clamp(let low, let high): return values.clamped(to: low...high)
    case .clip: return clip.map { values.clamped(to: $0) }
    case .table(let index): return tables[index].range
    case .leaky(let multiplier, let shift, let limit):
      guard let product = exactProduct(min(values.lowerBound, 0), multiplier),
        let rounded = exactSum(product, 1 << Int64(shift - 1), 0)
      else { return nil }
      let negative = rounded >> Int64(shift)
      let low = max(min(negative, values.lowerBound, 0), -limit)
      return low...min(max(values.upperBound, negative, 0), limit)
    }
  }

  private func proveSoftmax(
    _ index: Int, _ step: SoftmaxStep, _ multiplier: Int64, _ input: ClosedRange<Int64>
  ) throws(SnapshotError) -> ClosedRange<Int64> {
    let table = tables[step.table]
    guard let span = exactSum(input.upperBound, -input.lowerBound, 0), multiplier >= 0,
      exactProduct(span, multiplier) != nil, table.range.lowerBound >= 0, table.value(at: 0) > 0,
      let total = exactProduct(table.range.upperBound, Int64(step.length)),
      let scaled = exactProduct(table.range.upperBound, step.unit), exactSum(scaled, total, 0) != nil
    else {
      throw SnapshotError(.notProven, "the softmax of step \(index) is not proven to stay below 2⁶³")
    }
    return 0...step.unit
  }

  private func proveAverage(
    _ index: Int, _ step: Step, _ input: ClosedRange<Int64>
  ) throws(SnapshotError) {
    guard case .pool(let pool) = step, pool.kind != .maximum else { return }
    let limit = PoolStep.averageOffset / 2
    guard input.lowerBound >= -limit, input.upperBound <= limit else {
      throw SnapshotError(.notProven, "the average of step \(index) is not proven to stay below ±2³⁰")
    }
  }

  private func notProven(
    _ index: Int, _ step: Step, _ channel: Int, _ packing: Packing, _ sums: ClosedRange<Int64>?
  ) -> SnapshotError {
    let reach = sums.map { "can reach \($0.lowerBound)…\($0.upperBound)" } ?? "can leave 64 bits"
    return SnapshotError(
      .notProven,
      "step \(index) (\(step.kind)), channel \(channel): the sum \(reach), which is not proven for "
        + "\(packing.rawValue) packing",
      remedy: "Use a narrower scheme, or check the weights for values far outside the others.")
  }
}

private func exactProduct(_ a: Int64, _ b: Int64) -> Int64? {
  let (product, overflow) = a.multipliedReportingOverflow(by: b)
  // abs() of the result must exist.
  return overflow || product == Int64.min ? nil : product
}

private func exactSum(_ a: Int64, _ b: Int64, _ c: Int64) -> Int64? {
  let (first, overflow) = a.addingReportingOverflow(b)
  let (second, more) = first.addingReportingOverflow(c)
  return overflow || more || second == Int64.min ? nil : second
}
