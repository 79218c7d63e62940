import MedullaAdaptation
import MedullaBase
import MedullaDatapath
import MedullaLearning
import MedullaModel
import MedullaSnapshot

/// A network that predicts the logarithm of a flow's frames, 5-5-5-1 as in LiteFlow §5.2, with the inputs of
/// `examples/scheduling`.
struct SizeNetwork {
  static let features = [
    "log2(1+payload_forward)", "log2(1+recent_bytes_1)", "log2(1+recent_gap_1)", "log2(1+recent_bytes_2)",
    "log2(1+recent_bytes_3)",
  ]
  /// The most that each input may be: log2 of bytes and of microseconds.
  private static let reach: [Float] = [12, 24, 30, 24, 24]
  private static let samplesKept = 4_096

  let network: Network
  let calibration: [[Float]]
  let file: SnapshotFile

  private static var quantizer: Quantizer {
    Quantizer(QuantizerOptions(flows: FlowInterface(features: features.compactMap(InputFeature.init))))
  }

  private init(_ dense: DenseNetwork, calibration: [[Float]]) throws {
    network = try dense.network(name: "flow size", inputName: "flow", outputName: "size")
    self.calibration = calibration
    file = try SnapshotFile(Self.quantizer.quantize(network, Calibration(samples: calibration)))
  }

  /// One that says the same size of every flow: with demotion, scheduling by bytes sent.
  init(always log2Bytes: Float) throws {
    var dense = try DenseNetwork(
      widths: [Self.features.count, 5, 5, 1], activations: [.relu, .relu, .identity], seed: 1)
    for index in dense.parameters.indices { dense.parameters[index] = 0 }
    // Something that quantization can scale by.
    dense.parameters[0] = 1e-3
    dense.parameters[dense.parameters.count - 1] = log2Bytes
    var generator = SeededGenerator(seed: 1)
    let samples = (0..<256).map { _ in Self.reach.map { $0 * Float(generator.unit()) } }
    try self.init(dense, calibration: samples)
  }

  /// What was learned from flows that have ended.
  init(learning batch: Batch, starts: Int, epochs: Int) throws {
    let bits = Double(1 << batch.outputFractionBits)
    let targets = batch.samples.map { [Float(Double($0.outcomes.first ?? 0) / bits)] }
    let inputs = batch.inputs
    // The last quarter chooses among the starts.
    let learned = inputs.count * 3 / 4
    var best: (loss: Float, network: DenseNetwork)?
    for start in 0..<starts {
      let untrained = try DenseNetwork(
        widths: [Self.features.count, 5, 5, 1], activations: [.relu, .relu, .identity],
        seed: 11 &+ UInt64(start))
      var training = SupervisedTraining(.squaredError)
      training.epochs = epochs
      let network = try training.train(
        untrained, inputs: Array(inputs[..<learned]), targets: Array(targets[..<learned]),
        weights: [Float](repeating: 1, count: learned), seed: UInt64(start))
      let loss = network.gradient(
        inputs: Array(inputs[learned...]), targets: Array(targets[learned...]), loss: .squaredError
      ).loss
      if loss < best?.loss ?? .infinity { best = (loss, network) }
    }
    guard let best else {
      throw AdaptationError(.adapterFailed, "no start of the training ended in finite numbers")
    }
    // The range that a live feature may have, beside what was seen.
    let ends = [[Float](repeating: 0, count: Self.features.count), Self.reach]
    try self.init(best.network, calibration: Array(inputs.suffix(Self.samplesKept)) + ends)
  }
}
