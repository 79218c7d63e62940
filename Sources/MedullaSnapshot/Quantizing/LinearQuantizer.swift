/// A dense or convolution layer with the scales of its integer inputs taken into its weights.
struct LinearProblem {
  let name: String
  /// The step's kind.
  let kind: String
  let block: (channels: Int, groups: Int, terms: Int)
  /// `channels · groups × terms`: the float value that one integer step of each input adds.
  let weights: [Double]
  /// The float sum when every integer input is 0.
  let bias: [Double]
  /// What calibration shows of each group's integer inputs.
  let moments: [InputMoments]
  /// The mean of the layer's float outputs over the same inputs, for each channel.
  let meanOutputs: [Double]
  let input: ClosedRange<Int64>
}

/// Integer weights, biases and multipliers for one layer, and the packing they are proven for.
struct LinearQuantizer {
  let options: QuantizerOptions
  let plan: EpiloguePlan
  /// The program's tables, which the plan may name.
  let tables: [TableLines]
  /// The packing and shift of a running program, when one is to be matched.
  let fixed: (packing: Packing, shift: Int)?

  /// A scale is widened up to this much (a good half bit) so that two sums fit one word.
  private static let coarsenings: [Double] = [1, 1.1, 1.2, 1.35, 1.5]
  /// A running program must be matched, so more precision may go for it: two bits.
  private static let matchingCoarsenings: [Double] = coarsenings + [1.7, 2, 2.4, 2.8, 3.4, 4]
  /// The multiplier keeps at least this many bits, so that its rounding does not show.
  private static let leastMultiplier = 0x1p14
  private static let largestMultiplier = 0x1p40
  /// Half of what `LinearBound` allows.
  private static let largestProduct = 0x1p61

  func quantize(
    _ problem: LinearProblem
  ) throws(SnapshotError) -> (parameters: LinearParameters, packing: Packing, shift: Int) {
    let candidates = packings(terms: problem.block.terms)
    let roundings = problem.moments.map {
      ChannelRounding(
        moments: $0, weightLimit: options.scheme.weightLimit,
        activationLimit: options.scheme.activationLimit)
    }
    for packing in candidates {
      for coarsening in fixed == nil ? Self.coarsenings : Self.matchingCoarsenings {
        let channels = round(problem, by: roundings, coarsening: coarsening)
        guard let shift = fixed?.shift ?? shift(for: channels, problem) else { continue }
        if let parameters = assemble(problem, channels, packing: packing, shift: shift) {
          return (parameters, packing, shift)
        }
      }
    }
    throw SnapshotError(
      fixed == nil ? .notProven : .shapeMismatch,
      "\(problem.name): no scale of its weights is proven for "
        + "\(candidates.map(\.rawValue).joined(separator: " or ")) "
        + "packing",
      remedy: fixed == nil
        ? "Check the layer's weights and biases for values far outside the others."
        : "The tuned weights left the range of the running program; compile a new program for them.")
  }

  /// The packings to try, cheapest first.
  private func packings(terms: Int) -> [Packing] {
    if let fixed { return [fixed.packing] }
    switch options.scheme {
    case .w8a8, .w8a10: return terms <= Packing.largestTriple ? [.triple, .pair, .single] : [.pair, .single]
    case .w8a16: return [.pair, .single]
    case .w16a16: return [.single]
    }
  }

  private func round(
    _ problem: LinearProblem, by roundings: [ChannelRounding], coarsening: Double
  ) -> [RoundedChannel] {
    let (channels, groups, terms) = problem.block
    var rounded: [RoundedChannel?] = []
    for (group, rounding) in zip(0..<groups, roundings) {
      for channel in group * channels..<(group + 1) * channels {
        let wanted = problem.weights[channel * terms..<(channel + 1) * terms].map { $0 * plan.gain }
        rounded.append(rounding.round(wanted, coarsening: coarsening))
      }
    }
    // A channel without weights takes a scale that suits the others' multiplier.
    let scale = rounded.compactMap { $0?.scale }.max() ?? plan.unit
    return rounded.map { $0 ?? RoundedChannel(weights: [Int32](repeating: 0, count: terms), scale: scale) }
  }

  /// The scheme's shift, moved by fours until every multiplier keeps its precision and no product overflows.
  private func shift(for channels: [RoundedChannel], _ problem: LinearProblem) -> Int? {
    var shift = options.scheme.preferredShift
    let ratios = channels.map { $0.scale / plan.unit }
    guard let least = ratios.min(), let most = ratios.max(), least > 0, most.isFinite else { return nil }
    while least * Self.power(shift) < Self.leastMultiplier,
      most * Self.power(shift + 4) < Self.largestMultiplier,
      shift + 4 <= 60
    { shift += 4 }
    let values = widestValue(channels, problem)
    while shift >= 4,
      most * Self.power(shift) > Self.largestMultiplier || values * Self.power(shift) > Self.largestProduct
    { shift -= 4 }
    return shift
  }

  /// The largest |v| that any input can give, before the rounding of biases and multipliers.
  private func widestValue(_ channels: [RoundedChannel], _ problem: LinearProblem) -> Double {
    let reach = Double(max(abs(problem.input.lowerBound), abs(problem.input.upperBound)))
    var widest = 0.0
    for (channel, rounded) in channels.enumerated() {
      let sum = rounded.weights.reduce(0) { $0 + abs(Double($1)) } * reach * rounded.scale
      let bias = abs(problem.bias[channel] * plan.gain) + abs(plan.offset) + abs(plan.origin)
      widest = max(widest, (sum + bias) / plan.unit)
    }
    return widest
  }

  private static func power(_ exponent: Int) -> Double {
    Double(sign: .plus, exponent: exponent, significand: 1)
  }

  /// Biases and multipliers; `nil` when a lane's bound or a product's does not hold.
  private func assemble(
    _ problem: LinearProblem, _ channels: [RoundedChannel], packing: Packing, shift: Int
  ) -> LinearParameters? {
    let (perGroup, _, terms) = problem.block
    var weights: [Int32] = []
    weights.reserveCapacity(channels.count * terms)
    var bias: [Int64] = []
    var multipliers: [Int64] = []
    for (channel, rounded) in channels.enumerated() {
      let multiplier = (rounded.scale / plan.unit * Self.power(shift)).rounded()
      guard multiplier >= 1, multiplier < 0x1p62 else { return nil }
      let mean = problem.moments[channel / perGroup].means
      // The sum's mean error over calibration goes into the bias.
      let covered = zip(rounded.weights, mean).reduce(0) { $0 + Double($1.0) * $1.1 } * rounded.scale
      let center = problem.meanOutputs[channel] * plan.gain - covered
      let real = center + plan.offset - plan.origin
      let offset = ((real / plan.unit + 0.5) * Self.power(shift) / multiplier).rounded()
      guard abs(offset) < 0x1p60 else { return nil }
      weights += rounded.weights
      bias.append(Int64(offset))
      multipliers.append(Int64(multiplier))
    }
    let parameters = LinearParameters(
      weights: weights, bias: bias, multipliers: multipliers, clip: plan.clip)
    // The bound that the snapshot itself is accepted by.
    let bound = LinearBound(
      step: 0, kind: problem.kind,
      block: LinearBlock(
        channels: problem.block.channels, terms: terms, groups: problem.block.groups, packing: packing),
      epilogue: Epilogue(shift: shift, function: plan.function), input: problem.input, tables: tables)
    return (try? bound.prove(parameters)) == nil ? nil : parameters
  }
}
