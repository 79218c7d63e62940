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

  /// A network with ReLU that is trained on flows' inputs, each class of the same weight.
  static func train(
    _ words: [[Int64]], _ labels: [Int], widths: [Int], epochs: Int, seed: UInt64
  ) throws -> DenseNetwork {
    let classes = widths[widths.count - 1]
    let hidden = widths.dropFirst().dropLast().map { _ in DenseNetwork.Activation.relu }
    var training = SupervisedTraining(.crossEntropy)
    training.epochs = epochs
    return try training.train(
      DenseNetwork(widths: widths, activations: hidden + [.identity], seed: seed),
      inputs: words.map(values),
      targets: labels.map { label in (0..<classes).map { $0 == label ? Float(1) : 0 } },
      weights: weights(labels, classes: classes), seed: seed &+ 1)
  }

  /// Trains on flows' inputs and quantizes, calibrated on the same.
  init(
    _ words: [[Int64]], _ labels: [Int], features: [InputFeature], categories: [String], epochs: Int,
    seed: UInt64
  ) throws {
    float = try Self.train(
      words, labels, widths: [features.count] + Self.hidden + [categories.count], epochs: epochs, seed: seed)
    let quantizer = Quantizer(
      QuantizerOptions(flows: FlowInterface(features: features, labels: categories)))
    snapshot = try quantizer.quantize(
      float.network(name: "applications"), Calibration(samples: words.map(Self.values)))
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
