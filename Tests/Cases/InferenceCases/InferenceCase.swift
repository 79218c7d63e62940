import MedullaBase
import MedullaModel
import MedullaSnapshot

/// One network with inputs that every runtime must answer with the same bits as the reference interpreter.
package struct InferenceCase: Sendable, CustomStringConvertible {
  package let name: String
  package let network: Network
  package let snapshot: Snapshot
  /// What it was calibrated on, in the network's units.
  package let samples: [[Float]]
  /// Fixed-point features: inside the calibrated range, at its edges, and the extremes of 64 bits.
  package let inputs: [[Int64]]

  package var description: String { name }

  /// The reference interpreter's outputs for `inputs`.
  package var expected: [[Int64]] {
    let interpreter = ReferenceInterpreter(snapshot)
    return inputs.map { interpreter.run(features: $0) }
  }

  /// Every case. The same seed gives the same cases.
  package static func all(seed: UInt64) throws -> [InferenceCase] {
    var generator = SeededGenerator(seed: seed)
    let examples = try ExampleNetworks.all(using: &generator)
    let cases = try examples.flatMap { network, schemes in
      try schemes.map { try InferenceCase(network, scheme: $0, using: &generator) }
    }
    // Last, so that the draws of the others stay as they were.
    return try cases
      + examples.filter { $0.schemes == ExampleNetworks.every }.map {
        try InferenceCase($0.network, scheme: .w8a10, using: &generator)
      }
  }

  init(
    _ network: Network, scheme: QuantizationScheme, using generator: inout SeededGenerator
  ) throws {
    let count = network.inputShape.count
    let samples = (0..<12).map { _ in
      (0..<count).map { Float((generator.unit() * 2 - 1) * Self.reach(of: $0)) }
    }
    let options = QuantizerOptions(scheme: scheme)
    let snapshot = try Quantizer(options).quantize(network, Calibration(samples: samples))
    let interpreter = ReferenceInterpreter(snapshot)
    var inputs = samples.prefix(4).map { interpreter.fixedPoint($0) }
    let edges = snapshot.parameters.features
    inputs.append(edges.map(\.low))
    inputs.append(edges.map { $0.low + $0.width })
    inputs.append(edges.map { $0.low - 1 })
    inputs.append(edges.map { $0.low + $0.width + 1 })
    inputs.append([Int64](repeating: 0, count: count))
    inputs.append([Int64](repeating: Int64.max, count: count))
    inputs.append([Int64](repeating: Int64.min, count: count))
    inputs.append((0..<count).map { $0 % 2 == 0 ? Int64.min : Int64.max })
    for _ in 0..<4 {
      inputs.append(edges.map { $0.low + Int64(generator.unit() * Double($0.width)) })
    }
    inputs.append((0..<count).map { _ in Int64(bitPattern: generator.next()) })
    name = "\(network.name) \(scheme.title)"
    self.network = network
    self.snapshot = snapshot
    self.samples = samples
    self.inputs = inputs
  }

  /// Features of very different size, as live ones are.
  static func reach(of feature: Int) -> Double { [1, 100, 0.01][feature % 3] }
}
