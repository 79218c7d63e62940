import CMedullaLearning

/// How a step follows from the slopes of the mean loss.
package enum DescentRule: Hashable, Sendable {
  /// velocity = momentum · velocity + slope, parameter −= rate · velocity, as PyTorch's SGD has it.
  case momentum(rate: Float, momentum: Float)
  /// Kingma and Ba (2015), algorithm 1.
  case adam(rate: Float, beta1: Float = 0.9, beta2: Float = 0.999, epsilon: Float = 1e-8)

  /// - Throws: `invalidOption` when a number is out of its range.
  func check() throws(LearningError) {
    let isSound =
      switch self {
      case .momentum(let rate, let momentum): rate > 0 && rate.isFinite && (0..<1).contains(momentum)
      case .adam(let rate, let beta1, let beta2, let epsilon):
        rate > 0 && rate.isFinite && (0..<1).contains(beta1) && (0..<1).contains(beta2) && epsilon > 0
      }
    guard isSound else {
      throw LearningError(
        .invalidOption, "\(self): rates are above 0, and what is kept of the past is 0 or more and below 1")
    }
  }
}

/// What a rule remembers from step to step.
struct Descent {
  let rule: DescentRule
  private let first: NumberBuffer
  private let second: NumberBuffer
  private var decay1: Float = 1
  private var decay2: Float = 1

  init(_ rule: DescentRule, count: Int) {
    self.rule = rule
    first = NumberBuffer(count)
    if case .adam = rule { second = NumberBuffer(count) } else { second = NumberBuffer(0) }
  }

  mutating func step(_ slopes: learning_slopes, _ parameters: UnsafeMutablePointer<Float>) {
    switch rule {
    case .momentum(let rate, let momentum):
      learning_descend(slopes, rate, momentum, first.start, parameters)
    case .adam(let rate, let beta1, let beta2, let epsilon):
      decay1 *= beta1
      decay2 *= beta2
      let adam = learning_adam(
        rate: rate, beta1: beta1, beta2: beta2, epsilon: epsilon, correction1: 1 - decay1,
        correction2: 1 - decay2)
      learning_adapt(slopes, adam, first.start, second.start, parameters)
    }
  }
}
