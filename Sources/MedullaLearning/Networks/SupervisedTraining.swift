import MedullaBase

/// Training of a network on samples with their targets, by Adam over shuffled batches.
///
/// Inputs are brought to mean 0 and deviation 1 for the training; the network that comes out takes them as
/// they are, with that folded into its first layer. The same samples, settings and seed give the same bits.
package struct SupervisedTraining: Sendable {
  package let loss: Loss
  package var epochs = 100
  package var batch = 64
  /// Falls to a tenth from the first epoch to the last, in a straight line.
  package var rate: Float = 0.003
  /// By which each parameter's square is held small: its gradient gets this much of the parameter.
  package var decay: Float = 0.001

  /// An input that moves less than this counts as constant.
  private static let leastDeviation: Float = 1e-3

  package init(_ loss: Loss) { self.loss = loss }

  /// - Parameter weights: of each sample's loss.
  /// - Throws: `shapeMismatch` when samples and network do not fit.
  package func train(
    _ network: DenseNetwork, inputs: [[Float]], targets: [[Float]], weights: [Float], seed: UInt64
  ) throws(LearningError) -> DenseNetwork {
    guard !inputs.isEmpty, inputs.count == targets.count, inputs.count == weights.count,
      inputs.allSatisfy({ $0.count == network.inputs }), targets.allSatisfy({ $0.count == network.outputs })
    else {
      throw LearningError(
        .shapeMismatch,
        "\(inputs.count) samples, \(targets.count) targets and \(weights.count) weights do not fit a network "
          + "of \(network.inputs) inputs and \(network.outputs) outputs")
    }
    let scaling = InputScaling(inputs, leastDeviation: Self.leastDeviation)
    let scaled = inputs.map(scaling.apply)
    var network = network
    var adam = Adam(count: network.parameters.count, rate: rate)
    var generator = SeededGenerator(seed: seed)
    var order = Array(inputs.indices)
    for epoch in 0..<epochs {
      adam.rate = rate * (1 - 0.9 * Float(epoch) / Float(max(epochs - 1, 1)))
      order.shuffle(using: &generator)
      for start in stride(from: 0, to: order.count, by: batch) {
        let own = order[start..<min(start + batch, order.count)]
        var gradient = network.gradient(
          inputs: own.map { scaled[$0] }, targets: own.map { targets[$0] },
          weights: own.map { weights[$0] }, loss: loss
        ).gradient
        for index in gradient.indices { gradient[index] += decay * network.parameters[index] }
        adam.step(&network.parameters, gradient, largestNorm: 5)
      }
    }
    return scaling.folded(into: network)
  }
}

/// Means and deviations of a network's inputs.
struct InputScaling {
  private let means: [Float]
  private let deviations: [Float]

  init(_ inputs: [[Float]], leastDeviation: Float) {
    let count = Double(max(inputs.count, 1))
    let width = inputs.first?.count ?? 0
    let means = (0..<width).map { place in inputs.reduce(0) { $0 + Double($1[place]) } / count }
    self.means = means.map(Float.init)
    deviations = (0..<width).map { place in
      let squares = inputs.reduce(0) { sum, input in
        sum + (Double(input[place]) - means[place]) * (Double(input[place]) - means[place])
      }
      let deviation = Float((squares / count).squareRoot())
      return deviation < leastDeviation ? 1 : deviation
    }
  }

  func apply(_ input: [Float]) -> [Float] {
    input.indices.map { (input[$0] - means[$0]) / deviations[$0] }
  }

  /// The network that does the same to inputs as they are.
  func folded(into network: DenseNetwork) -> DenseNetwork {
    var network = network
    let outputs = network.widths[1]
    let bias = network.inputs * outputs
    for input in 0..<network.inputs {
      for output in 0..<outputs {
        let weight = network.parameters[input * outputs + output] / deviations[input]
        network.parameters[input * outputs + output] = weight
        network.parameters[bias + output] -= weight * means[input]
      }
    }
    return network
  }
}
