/// Integer weights for one output channel.
struct RoundedChannel {
  let weights: [Int32]
  /// The float value of an integer weight of 1, for integer inputs.
  let scale: Double
}

/// Chooses a channel's scale and integer weights.
///
/// The error that counts is the one in the sum, over the inputs that occur: with covariance C of the inputs,
/// e = scale·w − wanted costs eᵀ(C + λ)e. Coordinate descent from nearest rounding lowers it: one weight at a
/// time moves to the integer that is best given the others, until none moves; weights of correlated inputs
/// so cancel each other's errors (the idea of GPTQ, Frantar et al. 2022, with exact steps). λ keeps weights
/// close to the wanted ones along directions that calibration never showed.
struct ChannelRounding {
  let terms: Int
  let limit: Int64
  /// C + λ, `terms × terms`; empty for rounding to nearest.
  private let cost: [Double]

  /// λ as a part of the variance that an input would have if it were uniform over the whole format.
  static let damping = 0.003
  private static let passes = 24
  /// Scales that are tried, as parts of the one that just fits the largest weight.
  private static let scaleParts: [Double] = (0..<16).map { 1 - 0.025 * Double($0) }

  init(moments: InputMoments, weightLimit: Int64, activationLimit: Int64) {
    terms = moments.terms
    limit = weightLimit
    var cost = moments.covariance
    if !cost.isEmpty {
      let variance = Double(activationLimit) * Double(activationLimit) / 3
      for term in 0..<terms { cost[term * terms + term] += Self.damping * variance }
    }
    self.cost = cost
  }

  /// - Parameters:
  ///   - wanted: float weights for integer inputs.
  ///   - coarsening: widens the scale beyond what the largest weight needs, to make sums smaller.
  func round(_ wanted: [Double], coarsening: Double) -> RoundedChannel? {
    let largest = wanted.reduce(0) { max($0, abs($1)) }
    guard largest > 0, (largest / Double(limit)).isNormal else { return nil }
    let widest = largest / Double(limit) * coarsening
    if cost.isEmpty { return RoundedChannel(weights: nearest(wanted, scale: widest), scale: widest) }
    var best: (channel: RoundedChannel, cost: Double)?
    for part in coarsening > 1 ? [1] : Self.scaleParts {
      let scale = widest * part
      let (weights, error) = descend(from: nearest(wanted, scale: scale), scale: scale, wanted: wanted)
      if best == nil || error < best?.cost ?? .infinity {
        best = (RoundedChannel(weights: weights, scale: scale), error)
      }
    }
    return best?.channel
  }

  private func nearest(_ wanted: [Double], scale: Double) -> [Int32] {
    wanted.map { Int32(min(max(($0 / scale).rounded(), Double(-limit)), Double(limit))) }
  }

  private func descend(
    from start: [Int32], scale: Double, wanted: [Double]
  ) -> (weights: [Int32], cost: Double) {
    var weights = start
    var errors = zip(start, wanted).map { Double($0) * scale - $1 }
    var gradient = [Double](repeating: 0, count: terms)
    cost.withUnsafeBufferPointer { cost in
      for row in 0..<terms {
        var sum = 0.0
        for column in 0..<terms { sum += cost[row * terms + column] * errors[column] }
        gradient[row] = sum
      }
      for _ in 0..<Self.passes {
        var moved = false
        for term in 0..<terms {
          let step = -gradient[term] / cost[term * terms + term]
          let ideal = (Double(weights[term]) + step / scale).rounded()
          let next = Int32(min(max(ideal, Double(-limit)), Double(limit)))
          guard next != weights[term] else { continue }
          let change = Double(next - weights[term]) * scale
          weights[term] = next
          errors[term] += change
          moved = true
          for row in 0..<terms { gradient[row] += cost[row * terms + term] * change }
        }
        if !moved { break }
      }
    }
    return (weights, zip(errors, gradient).reduce(0) { $0 + $1.0 * $1.1 })
  }
}
