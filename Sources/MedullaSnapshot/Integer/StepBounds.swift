/// What one step makes of a range, and the proof of its sums: the one bound by which the quantizer chooses
/// and a snapshot is accepted.
///
/// Its numbers may come from any file, so every operation on them is checked. A tensor's values stay within
/// ±`valueLimit`, so that each can be negated and two be added.
struct StepBounds {
  let tables: [TableLines]

  static let valueLimit: Int64 = 1 << 62

  /// - Throws: `notProven` that names the step, and the channel of a sum.
  func after(
    _ step: Step, _ data: StepParameters, at index: Int, input: ClosedRange<Int64>
  ) throws(SnapshotError) -> (proof: StepProof?, output: ClosedRange<Int64>) {
    switch (step, data) {
    case (.dense(let dense), .linear(let linear)):
      let sums = LinearBound(
        step: index, kind: step.kind, block: LinearBlock(dense), epilogue: dense.epilogue, input: input,
        tables: tables)
      return try Self.proven(sums, linear)
    case (.convolution(let convolution), .linear(let linear)):
      let sums = LinearBound(
        step: index, kind: step.kind, block: LinearBlock(convolution), epilogue: convolution.epilogue,
        input: input, tables: tables)
      return try Self.proven(sums, linear)
    case (.map(let map), .map(let data)):
      // A map is a sum of one term of weight 1.
      let linear = LinearParameters(
        weights: [1], bias: [data.bias], multipliers: [data.multiplier], clip: data.clip)
      let block = LinearBlock(channels: 1, terms: 1, groups: 1, packing: .single)
      let sums = LinearBound(
        step: index, kind: step.kind, block: block, epilogue: map.epilogue, input: input, tables: tables)
      return try Self.proven(sums, linear)
    case (.pad, _): return (nil, min(input.lowerBound, 0)...max(input.upperBound, 0))
    case (.softmax(let softmax), .softmax(let multiplier)):
      return (nil, try softmaxRange(softmax, multiplier, at: index, input: input))
    case (.argmax(let argmax), _): return (nil, 0...(Int64(argmax.inputs) * argmax.unit))
    case (.pool(let pool), _):
      if pool.kind != .maximum { try proveAverage(at: index, input: input) }
      return (nil, input)
    // `Snapshot` checks that every step has its own kind of parameters.
    case (.gather, _), (.dense, _), (.convolution, _), (.map, _), (.softmax, _): return (nil, input)
    }
  }

  private static func proven(
    _ sums: LinearBound, _ linear: LinearParameters
  ) throws(SnapshotError) -> (proof: StepProof?, output: ClosedRange<Int64>) {
    let proof = try sums.prove(linear)
    return (proof, proof.output)
  }

  private func softmaxRange(
    _ step: SoftmaxStep, _ multiplier: Int64, at index: Int, input: ClosedRange<Int64>
  ) throws(SnapshotError) -> ClosedRange<Int64> {
    let table = tables[step.table]
    guard let least = exactProduct(input.lowerBound, -1), let span = exactSum(input.upperBound, least, 0),
      multiplier >= 0, exactProduct(span, multiplier) != nil, table.range.lowerBound >= 0,
      table.value(at: 0) > 0, let total = exactProduct(table.range.upperBound, Int64(step.length)),
      let scaled = exactProduct(table.range.upperBound, step.unit), exactSum(scaled, total, 0) != nil
    else {
      throw SnapshotError(.notProven, "the softmax of step \(index) is not proven to stay below 2⁶³")
    }
    return 0...step.unit
  }

  private func proveAverage(at index: Int, input: ClosedRange<Int64>) throws(SnapshotError) {
    let limit = PoolStep.averageOffset / 2
    guard input.lowerBound >= -limit, input.upperBound <= limit else {
      throw SnapshotError(.notProven, "the average of step \(index) is not proven to stay below ±2³⁰")
    }
  }
}

func exactProduct(_ a: Int64, _ b: Int64) -> Int64? {
  let (product, overflow) = a.multipliedReportingOverflow(by: b)
  // abs() of the result must exist.
  return overflow || product == Int64.min ? nil : product
}

func exactSum(_ a: Int64, _ b: Int64, _ c: Int64) -> Int64? {
  let (first, overflow) = a.addingReportingOverflow(b)
  let (second, more) = first.addingReportingOverflow(c)
  return overflow || more || second == Int64.min ? nil : second
}
