import MedullaBase
import MedullaModel
import MedullaSnapshot

/// Networks of dense layers with drawn weights and ReLU between them.
enum DenseNetwork {
  /// - Parameter sizes: of the inputs, then of each layer's outputs.
  static func quantized(
    _ sizes: [Int], samples count: Int = 50, seed: UInt64
  ) throws -> (snapshot: Snapshot, inputs: [[Int64]]) {
    var random = SeededGenerator(seed: seed)
    var layers: [Layer] = []
    for (inputs, outputs) in zip(sizes, sizes.dropFirst()) {
      if !layers.isEmpty { layers.append(.activation(.relu)) }
      func draw(_ count: Int) -> [Float] { (0..<count).map { _ in Float(random.unit() * 2 - 1) } }
      layers.append(
        .dense(Dense(inputs: inputs, outputs: outputs, weights: draw(inputs * outputs), bias: draw(outputs))))
    }
    let network = try Network(name: "dense", inputShape: TensorShape([sizes[0]]), layers: layers)
    let samples = (0..<count).map { _ in (0..<sizes[0]).map { _ in Float(random.unit() * 2 - 1) } }
    let snapshot = try Quantizer(QuantizerOptions(scheme: .w8a8)).quantize(
      network, Calibration(samples: samples))
    return (snapshot, samples.map { snapshot.shape.fixedPoint($0) })
  }
}
