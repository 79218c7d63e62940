/// Adam (Kingma and Ba, 2015, algorithm 1) over one vector of parameters.
package struct Adam: Sendable, Codable {
  private enum CodingKeys: String, CodingKey {
    case rate, beta1, beta2, epsilon, steps, first, second
  }

  package var rate: Float
  package let beta1: Float
  package let beta2: Float
  package let epsilon: Float
  package private(set) var steps: Int
  /// β₁ and β₂ to the power of `steps`; nil after a checkpoint was read, which does not have them.
  private var decays: (first: Float, second: Float)?
  private var first: [Float]
  private var second: [Float]

  /// Parameters that it is for.
  package var count: Int { first.count == second.count ? first.count : -1 }

  package init(count: Int, rate: Float, beta1: Float = 0.9, beta2: Float = 0.999, epsilon: Float = 1e-8) {
    self.rate = rate
    self.beta1 = beta1
    self.beta2 = beta2
    self.epsilon = epsilon
    steps = 0
    first = [Float](repeating: 0, count: count)
    second = first
  }

  /// Moves `parameters` one step down `gradient`, whose length is shortened to `largestNorm` first.
  package mutating func step(
    _ parameters: inout [Float], _ gradient: [Float], largestNorm: Float = .infinity
  ) {
    precondition(parameters.count == first.count && gradient.count == first.count, "sizes differ")
    steps += 1
    var squares: Float = 0
    for value in gradient { squares += value * value }
    let norm = squares.squareRoot()
    let scale = norm > largestNorm ? largestNorm / norm : 1
    let powers = (
      first: (decays?.first ?? Self.power(beta1, steps - 1)) * beta1,
      second: (decays?.second ?? Self.power(beta2, steps - 1)) * beta2
    )
    decays = powers
    let correction1 = 1 - powers.first
    let correction2 = 1 - powers.second
    for index in parameters.indices {
      let slope = gradient[index] * scale
      first[index] = beta1 * first[index] + (1 - beta1) * slope
      second[index] = beta2 * second[index] + (1 - beta2) * slope * slope
      let mean = first[index] / correction1
      let deviation = (second[index] / correction2).squareRoot()
      parameters[index] -= rate * mean / (deviation + epsilon)
    }
  }

  /// One factor after the other, as the steps multiply them, so that a training that goes on from a
  /// checkpoint gives the bits of one that was never interrupted. A checkpoint's number of steps may be any:
  /// beyond 2²⁴, one factor more changes no bit that a step sees.
  private static func power(_ base: Float, _ exponent: Int) -> Float {
    var result: Float = 1
    for _ in 0..<max(0, min(exponent, 1 << 24)) where result > 0 { result *= base }
    return result
  }
}

extension Adam: Equatable {
  package static func == (left: Adam, right: Adam) -> Bool {
    // What follows from the steps is not compared: a checkpoint that was just read has it not yet.
    left.rate == right.rate && left.beta1 == right.beta1 && left.beta2 == right.beta2
      && left.epsilon == right.epsilon && left.steps == right.steps && left.first == right.first
      && left.second == right.second
  }
}
