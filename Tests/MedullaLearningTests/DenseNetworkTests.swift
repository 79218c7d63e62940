import Foundation
import MedullaBase
import Testing

@testable import MedullaLearning

@Suite("Dense networks")
struct DenseNetworkTests {
  @Test(
    "gradients agree with finite differences",
    arguments: [
      ([3, 5, 2], [DenseNetwork.Activation.tanh, .identity], Loss.squaredError),
      ([4, 6, 5, 3], [.relu, .tanh, .identity], .crossEntropy), ([2, 1], [.identity], .squaredError),
      ([7, 9, 1], [.tanh, .tanh], .squaredError),
    ])
  func gradients(widths: [Int], activations: [DenseNetwork.Activation], loss: Loss) throws {
    let seed: UInt64 = 11
    var generator = SeededGenerator(seed: seed)
    var network = try DenseNetwork(widths: widths, activations: activations, seed: seed)
    for index in network.parameters.indices { network.parameters[index] += Float(generator.normal()) * 0.1 }
    let inputs = (0..<6).map { _ in (0..<network.inputs).map { _ in Float(generator.normal()) } }
    let targets = (0..<6).map { sample in
      (0..<network.outputs).map {
        Float(loss == .crossEntropy ? ($0 == sample % network.outputs ? 1 : 0) : 0.3)
      }
    }
    let gradient = network.gradient(inputs: inputs, targets: targets, loss: loss).gradient
    let step: Float = 1e-3
    for index in network.parameters.indices {
      var moved = network
      moved.parameters[index] += step
      let above = moved.gradient(inputs: inputs, targets: targets, loss: loss).loss
      moved.parameters[index] -= 2 * step
      let below = moved.gradient(inputs: inputs, targets: targets, loss: loss).loss
      let expected = (above - below) / (2 * step)
      #expect(
        abs(gradient[index] - expected) < 2e-3 + 0.02 * abs(expected), "parameter \(index), seed \(seed)")
    }
  }

  @Test("supervised training separates two classes")
  func supervised() throws {
    var generator = SeededGenerator(seed: 3)
    var network = try DenseNetwork(widths: [2, 8, 2], activations: [.relu, .identity], seed: 4)
    let inputs = (0..<200).map { _ in [Float(generator.normal()), Float(generator.normal())] }
    let targets = inputs.map { $0[0] * $0[1] > 0 ? [Float(1), 0] : [0, 1] }
    var adam = Adam(count: network.parameters.count, rate: 0.02)
    let first = network.gradient(inputs: inputs, targets: targets, loss: .crossEntropy).loss
    for _ in 0..<300 {
      let gradient = network.gradient(inputs: inputs, targets: targets, loss: .crossEntropy).gradient
      adam.step(&network.parameters, gradient)
    }
    let right = zip(inputs, targets).filter { input, target in
      let output = network(input)
      return (output[0] > output[1]) == (target[0] > target[1])
    }
    #expect(first > 0.5)
    #expect(right.count > 185)
  }

  @Test("Adam's steps are those of the paper, by hand")
  func adam() {
    var adam = Adam(count: 2, rate: 0.1, beta1: 0.9, beta2: 0.99, epsilon: 0)
    var parameters: [Float] = [1, -2]
    adam.step(&parameters, [0.5, -4])
    // The first step is the rate against the sign, whatever the size.
    #expect(abs(parameters[0] - 0.9) < 1e-6)
    #expect(abs(parameters[1] + 1.9) < 1e-6)
    adam.step(&parameters, [-1, -4])
    // m = 0.9·0.05 − 0.1 = −0.055, m̂ = −0.055/0.19; v = 0.99·0.0025 + 0.01 = 0.012475, v̂ = v/0.0199.
    let expected = 0.9 + 0.1 * (0.055 / 0.19) / (0.012475 / 0.0199).squareRoot()
    #expect(abs(Double(parameters[0]) - expected) < 1e-5)
    #expect(abs(parameters[1] + 1.8) < 1e-5)
  }

  @Test("however many steps came before, the correction is the formula's")
  func lateSteps() throws {
    let text =
      #"{"rate":0.1,"beta1":0.9,"beta2":0.999999,"epsilon":0,"steps":999999,"first":[0],"second":[0]}"#
    var adam = try JSONDecoder().decode(Adam.self, from: Data(text.utf8))
    var parameters: [Float] = [0]
    adam.step(&parameters, [1])
    // A million products in single precision are off by a part of a hundred at the most.
    let beta2 = Double(Float(0.999_999))
    let deviation = ((1 - beta2) / (1 - exp(1_000_000 * log(beta2)))).squareRoot()
    #expect(abs(Double(parameters[0]) / (-0.1 * 0.1 / deviation) - 1) < 0.01, "\(parameters[0])")
  }

  @Test("a gradient that is too long is shortened before Adam sees it")
  func clipping() {
    var clipped = Adam(count: 2, rate: 0.1, epsilon: 1)
    var plain = clipped
    var (a, b): ([Float], [Float]) = ([0, 0], [0, 0])
    clipped.step(&a, [30, 40], largestNorm: 5)
    plain.step(&b, [3, 4])
    #expect(zip(a, b).allSatisfy { abs($0 - $1) < 1e-6 })
  }

  @Test("the fast hyperbolic tangent is within 5e-7 of the true one")
  func hyperbolic() {
    for index in -2000...2000 {
      let x = Float(index) * 0.005
      #expect(abs(Double(hyperbolicTangent(x)) - tanh(Double(x))) < 5e-7, "at \(x)")
    }
    #expect(hyperbolicTangent(1e9) <= 1 && hyperbolicTangent(1e9) > 0.999999)
  }

  @Test("widths that do not fit are refused")
  func refusal() {
    #expect(throws: LearningError.self) { try DenseNetwork(widths: [3, 0], activations: [.tanh], seed: 1) }
    #expect(throws: LearningError.self) { try DenseNetwork(widths: [3], activations: [], seed: 1) }
  }

  @Test("samples' weights count as often as the samples would")
  func weights() throws {
    let network = try DenseNetwork(widths: [2, 3, 2], activations: [.tanh, .identity], seed: 7)
    let (inputs, targets): ([[Float]], [[Float]]) = ([[1, -2], [0.5, 3]], [[1, 0], [0, 1]])
    let weighted = network.gradient(
      inputs: inputs, targets: targets, weights: [1.5, 0.5], loss: .crossEntropy)
    let repeated = network.gradient(
      inputs: [inputs[0], inputs[0], inputs[0], inputs[1]],
      targets: [targets[0], targets[0], targets[0], targets[1]], loss: .crossEntropy)
    #expect(abs(weighted.loss - repeated.loss) < 1e-5)
    for (one, other) in zip(weighted.gradient, repeated.gradient) { #expect(abs(one - other) < 1e-5) }
  }

  @Test("supervised training tells classes apart, on inputs of any scale, and the same each time")
  func samplesOfAnyScale() throws {
    var generator = SeededGenerator(seed: 3)
    let labels = (0..<200).map { _ in generator.chance(0.3) ? 1 : 0 }
    let inputs = labels.map { label -> [Float] in
      [Float(5_000 + 40 * generator.normal() + 300 * Double(label)), Float(generator.normal()), 7]
    }
    let targets = labels.map { $0 == 1 ? [Float(0), 1] : [1, 0] }
    let network = try DenseNetwork(widths: [3, 8, 2], activations: [.relu, .identity], seed: 1)
    var training = SupervisedTraining(.crossEntropy)
    training.epochs = 30
    func trained() throws -> DenseNetwork {
      try training.train(
        network, inputs: inputs, targets: targets, weights: inputs.map { _ in 1 }, seed: 2)
    }
    let own = try trained()
    let right = zip(inputs, labels).filter { input, label in
      let outputs = own(input)
      return (outputs[1] > outputs[0]) == (label == 1)
    }.count
    let again = try trained()
    #expect(right > 190 && own == again)
    #expect(throws: LearningError.self) {
      try training.train(network, inputs: [[1]], targets: [[1, 0]], weights: [1], seed: 2)
    }
  }
}
