/// The worst case of every channel of a dense, convolution or map step.
struct LinearBound {
  let step: Int
  let kind: String
  let block: LinearBlock
  let epilogue: Epilogue
  let input: ClosedRange<Int64>
  let tables: [TableLines]

  /// What one channel can come to.
  private struct Channel {
    let sums: ClosedRange<Int64>
    let lane: ClosedRange<Int64>
    let product: Int64
    let output: ClosedRange<Int64>
  }

  /// - Throws: `notProven` that names the step and channel.
  func prove(_ linear: LinearParameters) throws(SnapshotError) -> StepProof {
    try checkTerms(linear)
    var worst = 0
    var all = try prove(linear, channel: 0)
    for index in 1..<max(1, block.channels * block.groups) {
      let channel = try prove(linear, channel: index)
      if channel.sums.magnitude > all.sums.magnitude { worst = index }
      all = Channel(
        sums: all.sums.joined(channel.sums), lane: all.lane.joined(channel.lane),
        product: max(all.product, channel.product), output: all.output.joined(channel.output))
    }
    return StepProof(
      step: step, kind: kind, channels: block.channels * block.groups, terms: block.terms,
      packing: block.packing, lowestSum: all.sums.lowerBound, highestSum: all.sums.upperBound,
      worstChannel: worst, lowestLane: all.lane.lowerBound, highestLane: all.lane.upperBound,
      largestProduct: all.product, lowestOutput: all.output.lowerBound,
      highestOutput: all.output.upperBound)
  }

  private func prove(_ linear: LinearParameters, channel: Int) throws(SnapshotError) -> Channel {
    let multiplier = linear.multipliers[channel]
    let weights = weightSums(linear, channel: channel)
    let bias = linear.bias[channel]
    // With 0 among the inputs, every partial sum lies in the range too, in whatever order terms are added.
    let partial = Self.range(weights, input.joined(0...0), bias: block.packing == .triple ? 0 : bias)
    guard let lane = partial, block.packing.holds(lane),
      let sums = Self.range(weights, input, bias: bias), multiplier >= 0,
      let least = exactProduct(sums.lowerBound, multiplier),
      let most = exactProduct(sums.upperBound, multiplier)
    else { throw notProven(channel, partial) }
    let values = (least >> Int64(epilogue.shift))...(most >> Int64(epilogue.shift))
    guard let output = apply(epilogue.function, to: values, clip: linear.clip),
      output.magnitude <= StepBounds.valueLimit
    else { throw notProven(channel, sums) }
    return Channel(sums: sums, lane: lane, product: max(abs(least), abs(most)), output: output)
  }

  /// Inputs and weights must be so narrow that no product leaves 64 bits.
  private func checkTerms(_ linear: LinearParameters) throws(SnapshotError) {
    let widest = input.magnitude
    let heaviest = linear.weights.reduce(UInt64(0)) { max($0, UInt64($1.magnitude)) }
    let fits = widest < 1 << 40 && (widest == 0 || heaviest <= (1 << 38) / widest)
    guard fits || kind == "map", linear.bias.allSatisfy({ $0.magnitude < 1 << 61 })
    else { throw notProven(0, nil) }
  }

  /// The sums of a channel's positive and of its negative weights.
  private func weightSums(_ linear: LinearParameters, channel: Int) -> (positive: Int64, negative: Int64) {
    var positive: Int64 = 0
    var negative: Int64 = 0
    linear.weights.withUnsafeBufferPointer { weights in
      for term in channel * block.terms..<(channel + 1) * block.terms {
        let weight = Int64(weights[term])
        if weight > 0 { positive += weight } else { negative += weight }
      }
    }
    return (positive, negative)
  }

  /// What weights make of inputs in a range; `nil` beyond 64 bits.
  private static func range(
    _ weights: (positive: Int64, negative: Int64), _ input: ClosedRange<Int64>, bias: Int64
  ) -> ClosedRange<Int64>? {
    guard let a = exactProduct(weights.positive, input.lowerBound),
      let b = exactProduct(weights.negative, input.upperBound),
      let c = exactProduct(weights.positive, input.upperBound),
      let d = exactProduct(weights.negative, input.lowerBound),
      let low = exactSum(a, b, bias), let high = exactSum(c, d, bias)
    else { return nil }
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

  private func notProven(_ channel: Int, _ sums: ClosedRange<Int64>?) -> SnapshotError {
    let reach = sums.map { "can reach \($0.lowerBound)…\($0.upperBound)" } ?? "can leave 64 bits"
    return SnapshotError(
      .notProven,
      "step \(step) (\(kind)), channel \(channel): the sum \(reach), which is not proven for "
        + "\(block.packing.rawValue) packing",
      remedy: "Use a narrower scheme, or check the weights for values far outside the others.")
  }
}

extension ClosedRange<Int64> {
  /// The largest distance from 0, which Int64.min has too.
  var magnitude: UInt64 { Swift.max(lowerBound.magnitude, upperBound.magnitude) }

  fileprivate func joined(_ other: Self) -> Self {
    Swift.min(lowerBound, other.lowerBound)...Swift.max(upperBound, other.upperBound)
  }
}
