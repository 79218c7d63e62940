import MedullaBase
import MedullaModel
import MedullaSnapshot

/// Networks with seeded weights that together use the integer kernel's steps.
enum CheckNetwork: String, CaseIterable {
  case dense = "integer network, dense"
  case image = "integer network, image"

  private func network(_ generator: inout SeededGenerator) throws -> Network {
    switch self {
    case .dense:
      return try Network(
        name: "dense", inputShape: TensorShape([30]),
        layers: [
          Self.dense(30, 64, &generator), .activation(.tanh), Self.dense(64, 32, &generator),
          .activation(.sigmoid), Self.dense(32, 8, &generator), .softmax,
        ])
    case .image:
      let weights = (0..<4 * 9).map { _ in Float(generator.uniform(-1...1)) }
      let convolution = Convolution(
        inputChannels: 1, outputChannels: 4, kernel: Extent(height: 3, width: 3),
        padding: Padding(top: 1, left: 1, bottom: 1, right: 1), weights: weights,
        bias: [Float](repeating: 0.1, count: 4))
      return try Network(
        name: "image", inputShape: TensorShape([1, 8, 8]),
        layers: [
          .convolution(convolution), .activation(.relu),
          .pool(
            Pool(kind: .max, kernel: Extent(height: 2, width: 2), strides: Extent(height: 2, width: 2))),
          .rearrange(Rearrangement(indices: Array(0..<64), shape: TensorShape([64]))),
          Self.dense(64, 10, &generator), .argmax,
        ])
    }
  }

  private static func dense(_ inputs: Int, _ outputs: Int, _ generator: inout SeededGenerator) -> Layer {
    let scale = 2 / Double(inputs).squareRoot()
    return .dense(
      Dense(
        inputs: inputs, outputs: outputs,
        weights: (0..<inputs * outputs).map { _ in Float(generator.uniform(-scale...scale)) },
        bias: (0..<outputs).map { _ in Float(generator.uniform(-1...1)) }))
  }

  func snapshot(seed: UInt64) throws -> Snapshot {
    var generator = SeededGenerator(seed: seed)
    let network = try network(&generator)
    let samples = (0..<16).map { _ in
      (0..<network.inputShape.count).map { _ in Float(generator.uniform(-2...2)) }
    }
    return try Quantizer(QuantizerOptions(scheme: .w8a16)).quantize(network, Calibration(samples: samples))
  }

  func rows(of snapshot: Snapshot, seed: UInt64) -> [[Int64]] {
    var generator = SeededGenerator(seed: seed &+ 1)
    return (0..<100).map { row in
      snapshot.parameters.features.map { feature in
        // Some beyond the range, where features are cut.
        row % 10 == 9
          ? Int64(bitPattern: generator.next())
          : feature.low &+ Int64(generator.unit() * Double(feature.width))
      }
    }
  }
}
