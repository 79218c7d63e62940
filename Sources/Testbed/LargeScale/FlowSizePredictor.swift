import MedullaBase
import MedullaLearning
import MedullaModel
import MedullaSnapshot
import TestbedLink
import TestbedWorkload

/// A network that predicts the logarithm of a flow's size: FLUX's and the paper's FFNN, two hidden layers of
/// five with ReLU (§5.2), as the snapshot that a scenario is linked with. It names the features that it is
/// told, which are those of the shipped scheduling function.
package struct FlowSizePredictor: Sendable {
  /// How it is trained.
  package struct Training: Codable, Equatable, Sendable {
    /// Workloads that only training sees; the last of them chooses among the starts.
    package var seeds: [UInt64] = [101, 102, 103, 104, 105]
    /// Of each of them.
    package var flows = 4000
    /// Random starts; the one with the least error on the last workload is kept.
    package var starts = 4
    package var epochs = 30
    package var batch = 128
    package var rate: Float = 0.004
    package var seed: UInt64 = 1

    package init() {}
  }

  package let network: Network
  package let file: SnapshotFile

  /// Trains on workloads like `workload`, with the seeds of `training` in place of its own.
  package init(
    like workload: FabricWorkload, sizes: FabricSizeDistribution, training: Training = Training()
  ) throws {
    guard training.seeds.count >= 2, (1...64).contains(training.starts),
      (1...10_000).contains(training.epochs),
      (1...65_536).contains(training.batch)
    else {
      throw TestbedError(
        .badParameter, "The predictor cannot be trained by this plan.",
        remedy: "Give two or more seeds of workloads to train on, and 1 to 64 starts.")
    }
    var generator = SeededGenerator(seed: training.seed)
    let sets = try training.seeds.map { seed in
      var own = workload
      own.seed = seed
      own.flows = training.flows
      return try FlowSizeSamples(own.draw(sizes), using: &generator)
    }
    let learned = FlowSizeSamples(joining: sets.dropLast())
    let judged = sets[sets.count - 1]
    let scale = FlowSizeScale(learned)
    var best: (loss: Double, network: DenseNetwork)?
    for start in 0..<training.starts {
      let network = try Self.fit(scale.scaled(learned), training, start: start)
      let loss = scale.squaredError(of: network, on: judged)
      if loss < best?.loss ?? .infinity { best = (loss, network) }
    }
    guard let best else {
      throw TestbedError(
        .processFailed, "No start of the training ended in finite numbers.", remedy: "Lower the rate.")
    }
    network = try scale.unscaled(best.network).network(
      name: "flow size", inputName: "features", outputName: "log2_bytes")
    let calibration = Calibration(samples: learned.inputs)
    let options = QuantizerOptions(flows: FlowInterface(features: FlowSizeFeatures.inputs))
    file = try SnapshotFile(Quantizer(options).quantize(network, calibration))
  }

  private static func fit(_ samples: FlowSizeSamples, _ training: Training, start: Int) throws -> DenseNetwork
  {
    let inputs = FlowSizeFeatures.inputs.count
    var network = try DenseNetwork(
      widths: [inputs, 5, 5, 1], activations: [.relu, .relu, .identity],
      seed: training.seed &+ UInt64(start) &* 7919)
    var adam = Adam(count: network.parameters.count, rate: training.rate)
    var generator = SeededGenerator(seed: training.seed &+ UInt64(start))
    var order = Array(samples.inputs.indices)
    for epoch in 0..<training.epochs {
      // Down to a tenth, so that the end settles.
      adam.rate = training.rate * (1 - 0.9 * Float(epoch) / Float(training.epochs))
      order.shuffle(using: &generator)
      for first in stride(from: 0, to: order.count, by: training.batch) {
        let chosen = order[first..<min(first + training.batch, order.count)]
        let (_, gradient) = network.gradient(
          inputs: chosen.map { samples.inputs[$0] }, targets: chosen.map { [samples.targets[$0]] },
          loss: .squaredError)
        adam.step(&network.parameters, gradient, largestNorm: 5)
      }
    }
    return network
  }
}
