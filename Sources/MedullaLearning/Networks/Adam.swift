/// Adam (Kingma and Ba, 2015, algorithm 1) over one vector of parameters.
package struct Adam: Sendable, Equatable, Codable {
  package var rate: Float
  package let beta1: Float
  package let beta2: Float
  package let epsilon: Float
  package private(set) var steps = 0
  private var first: [Float]
  private var second: [Float]

  /// Parameters that it is for.
  package var count: Int { first.count == second.count ? first.count : -1 }

  package init(count: Int, rate: Float, beta1: Float = 0.9, beta2: Float = 0.999, epsilon: Float = 1e-8) {
    self.rate = rate
    self.beta1 = beta1
    self.beta2 = beta2
    self.epsilon = epsilon
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
    let correction1 = 1 - power(beta1, steps)
    let correction2 = 1 - power(beta2, steps)
    for index in parameters.indices {
      let slope = gradient[index] * scale
      first[index] = beta1 * first[index] + (1 - beta1) * slope
      second[index] = beta2 * second[index] + (1 - beta2) * slope * slope
      let mean = first[index] / correction1
      let deviation = (second[index] / correction2).squareRoot()
      parameters[index] -= rate * mean / (deviation + epsilon)
    }
  }

  /// By squaring, so that a long training's steps cost what the first ones do.
  private func power(_ base: Float, _ exponent: Int) -> Float {
    var (result, square, rest) = (1.0, Double(base), exponent)
    while rest > 0 {
      if rest & 1 == 1 { result *= square }
      square *= square
      rest >>= 1
    }
    return Float(result)
  }
}
