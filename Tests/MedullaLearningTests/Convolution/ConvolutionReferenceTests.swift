import Foundation
import MedullaBase
import Testing

@testable import MedullaLearning

@Suite("Slopes of convolutional networks")
struct ConvolutionReferenceTests {
  struct Case: CustomTestStringConvertible, Sendable {
    var shape: ImageShape
    var layers: [ConvolutionalLayer]
    var testDescription: String { "\(shape.channels)×\(shape.height)×\(shape.width) \(layers)" }
  }

  /// One and several channels, sizes that fill no vector, odd rows and columns, each kernel that has a loop
  /// of its own and one that has none, rows of more than eight vectors, more outputs than are computed
  /// together.
  static let cases = [
    Case(
      shape: ImageShape(channels: 1, height: 12, width: 12),
      layers: [
        .convolution(outputs: 4, kernel: 5), .maxPool, .relu, .convolution(outputs: 6, kernel: 3),
        .channelDropout(0.5), .relu, .dense(outputs: 7), .relu, .dropout(0.25), .dense(outputs: 3),
      ]),
    Case(
      shape: ImageShape(channels: 3, height: 9, width: 11),
      layers: [.convolution(outputs: 7, kernel: 2), .relu, .maxPool, .dense(outputs: 4)]),
    Case(
      shape: ImageShape(channels: 2, height: 7, width: 19),
      layers: [.convolution(outputs: 3, kernel: 3), .dense(outputs: 2)]),
    Case(
      shape: ImageShape(channels: 24, height: 4, width: 5),
      layers: [
        .convolution(outputs: 2, kernel: 4), .convolution(outputs: 5, kernel: 1), .relu, .dense(outputs: 2),
      ]),
    Case(
      shape: ImageShape(channels: 1, height: 8, width: 8),
      layers: [
        .convolution(outputs: 2, kernel: 7), .channelDropout(0.3), .maxPool, .dense(outputs: 20),
        .dropout(0.4),
        .dense(outputs: 3),
      ]),
    Case(
      shape: ImageShape(channels: 1, height: 1, width: 13),
      layers: [.dense(outputs: 9), .relu, .dense(outputs: 5)]),
  ]

  @Test("they are those of the definition, by differences in double precision", arguments: cases)
  func differences(_ network: Case) throws {
    let seed: UInt64 = 21
    let start = try ConvolutionalNetwork(input: network.shape, layers: network.layers, seed: seed)
    let set = ImageSet(shape: network.shape, classes: start.classes, count: 5, seed: seed)
    let trainer = try ConvolutionTrainer(
      start, rule: .momentum(rate: 0.1, momentum: 0), options: .init(seed: seed, parts: 2, scale: .asIs))
    let (slopes, outcome) = try set.withBatch { try trainer.slopes($0) }
    var slow = SlowNetwork(start) { DropoutDraw(seed: seed, step: 0, sample: $0, stage: $1) }
    let images = set.images.map { $0.map(Double.init) }
    #expect(abs(outcome.meanLoss - slow.loss(images, set.labels)) < 1e-5)
    let step = 1e-6
    var largest = 0.0
    // Enough of each layer, and the last: the biases of the last.
    let count = slow.parameters.count
    let checked = Array(stride(from: 0, to: count, by: count / 80 + 1)) + Array((count - 2)..<count)
    for index in checked {
      let own = slow.parameters[index]
      slow.parameters[index] = own + step
      let above = slow.loss(images, set.labels)
      slow.parameters[index] = own - step
      let below = slow.loss(images, set.labels)
      slow.parameters[index] = own
      let expected = (above - below) / (2 * step)
      largest = max(largest, abs(expected))
      #expect(
        abs(Double(slopes[index]) - expected) < 1e-5 + 1e-4 * abs(expected),
        "parameter \(index), seed \(seed)")
    }
    #expect(largest > 0.01, "nothing to compare")
  }

  @Test(
    "after some steps a network is still what its parameters say: nothing else was learned", arguments: cases)
  func parametersAreAll(_ network: Case) throws {
    let seed: UInt64 = 22
    let start = try ConvolutionalNetwork(input: network.shape, layers: network.layers, seed: seed)
    let set = ImageSet(shape: network.shape, classes: start.classes, count: 21, seed: seed)
    let trainer = try ConvolutionTrainer(
      start, rule: .momentum(rate: 0.3, momentum: 0.5), options: .init(seed: seed, scale: .asIs))
    for _ in 0..<4 { try set.withBatch { _ = try trainer.step($0) } }
    let outcome = try set.withBatch { try trainer.evaluate($0) }
    let expected = SlowNetwork(trainer.network).loss(set.images.map { $0.map(Double.init) }, set.labels)
    #expect(trainer.network != start)
    #expect(abs(outcome.meanLoss - expected) < 1e-5 + 1e-4 * expected, "seed \(seed)")
  }

  /// What `pytorch_slopes.py` wrote.
  struct Recorded: Decodable {
    let parameters: [Float]
    let images: [Float]
    let labels: [Int]
    let loss: Double
    let slopes: [Float]
    let momentum: [Float]
    let adam: [Float]
  }

  private func recorded() throws -> (Recorded, ConvolutionalNetwork, ImageSet) {
    let file = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
      .appendingPathComponent("pytorch_slopes.json")
    let recorded = try JSONDecoder().decode(Recorded.self, from: Data(contentsOf: file))
    let shape = ImageShape(channels: 2, height: 11, width: 9)
    let network = try ConvolutionalNetwork(
      input: shape,
      layers: [
        .convolution(outputs: 3, kernel: 3), .maxPool, .relu, .convolution(outputs: 4, kernel: 2), .relu,
        .dense(outputs: 5), .relu, .dense(outputs: 3),
      ], parameters: recorded.parameters)
    var set = ImageSet(shape: shape, classes: 3, count: 0, seed: 0)
    set.images = stride(from: 0, to: recorded.images.count, by: shape.count).map {
      Array(recorded.images[$0..<$0 + shape.count])
    }
    set.labels = recorded.labels
    return (recorded, network, set)
  }

  @Test("loss and slopes are PyTorch's")
  func slopesOfPyTorch() throws {
    let (recorded, network, set) = try recorded()
    let trainer = try ConvolutionTrainer(
      network, rule: .momentum(rate: 0.1, momentum: 0.5), options: .init(seed: 1, scale: .asIs))
    let (slopes, outcome) = try set.withBatch { try trainer.slopes($0) }
    #expect(abs(outcome.meanLoss - recorded.loss) < 1e-5)
    for (index, expected) in recorded.slopes.enumerated() {
      #expect(abs(slopes[index] - expected) < 1e-6 + 1e-4 * abs(expected), "parameter \(index)")
    }
  }

  @Test("three steps of momentum and of Adam end where PyTorch's do", arguments: [true, false])
  func stepsOfPyTorch(momentum: Bool) throws {
    let (recorded, network, set) = try recorded()
    let rule: DescentRule = momentum ? .momentum(rate: 0.1, momentum: 0.5) : .adam(rate: 0.01)
    let trainer = try ConvolutionTrainer(network, rule: rule, options: .init(seed: 1, scale: .asIs))
    for _ in 0..<3 { try set.withBatch { _ = try trainer.step($0) } }
    for (index, expected) in (momentum ? recorded.momentum : recorded.adam).enumerated() {
      #expect(abs(trainer.network.parameters[index] - expected) < 2e-5, "parameter \(index)")
    }
    let moved = zip(network.parameters, trainer.network.parameters).map { abs($0 - $1) }.max() ?? 0
    #expect(moved > 0.01, "nothing moved")
  }
}
