import MedullaBase
import MedullaLearning
import MedullaModel
import MedullaSnapshot

/// A network that tells categories of flows apart, in floats and as integers.
struct ApplicationNetwork {
  static let hidden = [32, 16]

  let float: DenseNetwork
  let snapshot: Snapshot

  /// The kernel's fixed point as numbers.
  static func values(_ words: [Int64]) -> [Float] { words.map { Float($0) / 65_536 } }

  /// By which each flow counts, so that all categories weigh the same.
  static func weights(_ labels: [Int], classes: Int) -> [Float] {
    let counts = labels.reduce(into: [Int](repeating: 0, count: classes)) { $0[$1] += 1 }
    return labels.map { Float(labels.count) / Float(classes * max(counts[$0], 1)) }
  }

  /// Trains on flows' inputs and quantizes, calibrated on the same.
  init(
    _ words: [[Int64]], _ labels: [Int], features: [InputFeature], categories: [String], epochs: Int,
    seed: UInt64
  ) throws {
    let inputs = words.map(Self.values)
    let targets = labels.map { label in categories.indices.map { $0 == label ? Float(1) : 0 } }
    let untrained = try DenseNetwork(
      widths: [features.count] + Self.hidden + [categories.count], activations: [.relu, .relu, .identity],
      seed: seed)
    var training = SupervisedTraining(.crossEntropy)
    training.epochs = epochs
    float = try training.train(
      untrained, inputs: inputs, targets: targets,
      weights: Self.weights(labels, classes: categories.count), seed: seed &+ 1)
    let quantizer = Quantizer(
      QuantizerOptions(flows: FlowInterface(features: features, labels: categories)))
    snapshot = try quantizer.quantize(
      float.network(name: "applications"), Calibration(samples: inputs))
  }

  /// The first of the largest outputs, as the kernel's classifier takes it.
  static func largest<Number: Comparable>(_ outputs: [Number]) -> Int {
    outputs.indices.dropFirst().reduce(0) { outputs[$1] > outputs[$0] ? $1 : $0 }
  }

  func integerClasses(_ words: [[Int64]]) -> [Int] {
    let interpreter = ReferenceInterpreter(snapshot)
    return words.map { Self.largest(interpreter.run(features: $0)) }
  }

  func floatClasses(_ words: [[Int64]]) -> [Int] {
    words.map { Self.largest(float(Self.values($0))) }
  }
}
