import Foundation
import InferenceCases
import MedullaBase
import MedullaModel
import MedullaSnapshot

/// A dense network as integers, what its tables are fitted on, and inputs that they have not seen: all in
/// fixed point.
struct TableExample {
  let name: String
  let snapshot: Snapshot
  /// What the network was quantized on.
  let samples: [[Int64]]
  let unseen: [[Int64]]
  let reference: ReferenceInterpreter

  static let folder = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
    .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
    .appendingPathComponent("examples/classifier")

  /// The network of `examples/classifier` and what it was trained on; unseen are points between two flows.
  static func classifier() throws -> TableExample {
    let network = try SafetensorsReader.read(
      weights: folder.appendingPathComponent("classifier.safetensors").path,
      layers: folder.appendingPathComponent("classifier.layers.json").path)
    let samples = try SampleFile.read(
      folder.appendingPathComponent("calibration.npy").path, elements: network.inputShape.count)
    return try TableExample("classifier", network, samples, between(samples, 2_000, seed: 16))
  }

  /// A network of drawn weights, whose outputs are 0 in the mean of its samples: normal features.
  static func drawn(
    _ widths: [Int], _ function: Activation = .relu, samples count: Int = 2_000, seed: UInt64
  ) throws -> TableExample {
    var random = SeededGenerator(seed: seed)
    func normal(_ count: Int, _ scale: Double) -> [Float] {
      (0..<count).map { _ in Float(random.normal() * scale) }
    }
    var layers: [Layer] = []
    var last = Dense(inputs: 1, outputs: 1, weights: [1], bias: [0])
    for (inputs, outputs) in zip(widths, widths.dropFirst()) {
      let isLast = layers.count == 2 * widths.count - 4
      last = Dense(
        inputs: inputs, outputs: outputs,
        weights: normal(inputs * outputs, (2 / Double(inputs)).squareRoot()),
        bias: isLast ? [Float](repeating: 0, count: outputs) : normal(outputs, 0.1))
      layers += [.dense(last)] + (isLast ? [] : [.activation(function)])
    }
    let shape = TensorShape([widths[0]])
    let draws = (0..<2 * count).map { _ in normal(widths[0], 1) }
    let reference = try FloatReference(Network(name: "drawn", inputShape: shape, layers: layers))
    let outputs = try draws[..<count].map { try reference.run($0) }
    layers[layers.count - 1] = .dense(
      Dense(
        inputs: last.inputs, outputs: last.outputs, weights: last.weights,
        bias: last.bias.indices.map { place in
          -outputs.reduce(0) { $0 + $1[place] } / Float(count)
        }))
    return try TableExample(
      widths.map(String.init).joined(separator: "-"),
      Network(name: "drawn", inputShape: shape, layers: layers), Array(draws[..<count]),
      Array(draws[count...]))
  }

  init(
    _ name: String, _ network: Network, _ samples: [[Float]], _ unseen: [[Float]],
    scheme: QuantizationScheme = .w8a16
  ) throws {
    self.name = name
    let snapshot = try Quantizer(QuantizerOptions(scheme: scheme)).quantize(
      network, Calibration(samples: samples))
    self.snapshot = snapshot
    self.samples = samples.map { snapshot.shape.fixedPoint($0) }
    self.unseen = unseen.map { snapshot.shape.fixedPoint($0) }
    reference = ReferenceInterpreter(snapshot)
  }

  /// Few features of few values each, and their every combination as samples and as inputs: so few that a
  /// table can have a leaf for each.
  static func tiny(
    _ function: Activation, end: [Layer] = [], scheme: QuantizationScheme, using random: inout SeededGenerator
  ) throws -> TableExample {
    let (inputs, hidden, outputs) = (random.integer(2...3), random.integer(2...4), random.integer(2...3))
    let network = try Network(
      name: "tiny", inputShape: TensorShape([inputs]),
      layers: [
        NetworkCases.layer(inputs, hidden, &random), .activation(function),
        NetworkCases.layer(hidden, outputs, &random),
      ] + end)
    let values = (0..<inputs).map { _ in random.floats(random.integer(2...4), in: -3...3) }
    let all = values.reduce([[]]) { rows, next in rows.flatMap { row in next.map { row + [$0] } } }
    return try TableExample("tiny", network, all, all, scheme: scheme)
  }

  /// Points on the lines between two samples.
  static func between(_ samples: [[Float]], _ count: Int, seed: UInt64) -> [[Float]] {
    var random = SeededGenerator(seed: seed)
    return (0..<count).map { _ in
      let part = Float(random.unit())
      let (first, second) = (random.integer(0...samples.count - 1), random.integer(0...samples.count - 1))
      return zip(samples[first], samples[second]).map { $0 + ($1 - $0) * part }
    }
  }

  /// The part of inputs for which another network says the class that the integer network says.
  func agreement(on inputs: [[Int64]], _ run: ([Int64]) -> [Int64]) -> Double {
    let same = inputs.count { ClassAnswer(run($0)).row == ClassAnswer(reference.run(features: $0)).row }
    return Double(same) / Double(inputs.count)
  }

  /// The mean distance of another network's outputs, as a part of the range of the integer network's.
  func error(on inputs: [[Int64]], _ run: ([Int64]) -> [Int64]) -> Double {
    let expected = inputs.flatMap { reference.run(features: $0) }
    let outputs = inputs.flatMap(run)
    let range = Double((expected.max() ?? 0) - (expected.min() ?? 0))
    return zip(expected, outputs).reduce(0) { $0 + abs(Double($1.0 - $1.1)) } / range / Double(outputs.count)
  }
}
