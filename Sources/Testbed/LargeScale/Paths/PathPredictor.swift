import Foundation
import MedullaBase
import MedullaLearning
import MedullaModel
import MedullaSnapshot
import TestbedLink
import TestbedMeasures

/// A network that predicts what each path would cost a flow: the paper's MLP, two hidden layers of twelve
/// with ReLU (§5.3), as the snapshot that the scenario is linked with.
///
/// It learns from flows whose path was drawn by chance: what the host knew of its paths when the flow began,
/// and the cost that the flow then had on the one that it took. What the others would have cost nobody knows,
/// so only the taken path's output is corrected.
package struct PathPredictor: Sendable {
  /// How it is trained.
  package struct Training: Codable, Equatable, Sendable {
    /// Random starts; the one with the least error on the last workload is kept.
    package var starts = 3
    package var epochs = 30
    package var batch = 64
    package var rate: Float = 0.003
    package var seed: UInt64 = 1

    package init() {}
  }

  package let network: Network
  package let file: SnapshotFile
  /// Mean squared error on the last set, in powers of two; nil when it was not trained.
  package let error: Double?

  /// Untrained: random weights, for explorations and as an ablation.
  package init(untrainedFor paths: Int, seed: UInt64) throws {
    try self.init(
      DenseNetwork.ofPaths(paths, PathFeatures.names, seed: seed), paths: paths, samples: [],
      PathFeatures.names, error: nil)
  }

  /// Trains on what explorations saw, one set a workload; the last of them chooses among the starts.
  ///
  /// - Parameter features: what it is told of each path, of `PathFeatures`.
  package init(
    paths: Int, explored sets: [PathSamples], training: Training = Training(),
    features: [String] = PathFeatures.names
  ) throws {
    guard sets.count >= 2, (1...64).contains(training.starts), (1...10_000).contains(training.epochs),
      (1...65_536).contains(training.batch), sets.allSatisfy({ !$0.inputs.isEmpty })
    else {
      throw TestbedError(
        .badParameter, "The network of paths cannot be trained by this plan.",
        remedy: "Give two or more seeds of workloads to explore, and 1 to 64 starts.")
    }
    let learned = PathSamples(joining: sets.dropLast())
    let judged = sets[sets.count - 1]
    let scale = FlowSizeScale(
      FlowSizeSamples(inputs: learned.inputs, targets: learned.costs), least: Self.leastDeviation)
    var best: (loss: Double, network: DenseNetwork)?
    for start in 0..<training.starts {
      let fitted = try scale.unscaled(
        Self.fit(
          learned, scale, training,
          DenseNetwork.ofPaths(
            paths, features, seed: training.seed &+ UInt64(start) &* 7919), start: start))
      let loss = judged.squaredError(of: fitted)
      if loss < best?.loss ?? .infinity { best = (loss, fitted) }
    }
    guard let best else {
      throw TestbedError(
        .processFailed, "No start of the training ended in finite numbers.", remedy: "Lower the rate.")
    }
    try self.init(best.network, paths: paths, samples: learned.inputs, features, error: best.loss)
  }

  /// In powers of two: a feature that hardly moves in training must not weigh a thousandfold when it does.
  private static let leastDeviation: Float = 0.5

  private init(
    _ dense: DenseNetwork, paths: Int, samples: [[Float]], _ features: [String], error: Double?
  ) throws {
    self.error = error
    network = try dense.network(name: "path costs", inputName: "paths", outputName: "costs")
    let options = QuantizerOptions(
      flows: FlowInterface(features: PathFeatures.inputs(paths: paths, names: features)))
    let calibration = Calibration(
      samples: samples, ranges: PathFeatures.ranges(paths: paths, names: features))
    file = try SnapshotFile(Quantizer(options).quantize(network, calibration))
  }

  private static func fit(
    _ samples: PathSamples, _ scale: FlowSizeScale, _ training: Training, _ untrained: DenseNetwork,
    start: Int
  ) throws -> DenseNetwork {
    var network = untrained
    let scaled = scale.scaled(FlowSizeSamples(inputs: samples.inputs, targets: samples.costs))
    var adam = Adam(count: network.parameters.count, rate: training.rate)
    var generator = SeededGenerator(seed: training.seed &+ UInt64(start))
    var order = Array(scaled.inputs.indices)
    for epoch in 0..<training.epochs {
      // Down to a tenth, so that the end settles.
      adam.rate = training.rate * (1 - 0.9 * Float(epoch) / Float(training.epochs))
      order.shuffle(using: &generator)
      for first in stride(from: 0, to: order.count, by: training.batch) {
        let chosen = order[first..<min(first + training.batch, order.count)]
        let inputs = chosen.map { scaled.inputs[$0] }
        let targets = zip(chosen, inputs).map { index, input in
          // The other paths' outputs are right as they are.
          var target = network(input)
          target[samples.taken[index]] = scaled.targets[index]
          return target
        }
        let (_, gradient) = network.gradient(inputs: inputs, targets: targets, loss: .squaredError)
        adam.step(&network.parameters, gradient, largestNorm: 5)
      }
    }
    return network
  }
}

extension DenseNetwork {
  fileprivate static func ofPaths(_ paths: Int, _ features: [String], seed: UInt64) throws -> DenseNetwork {
    try DenseNetwork(
      widths: [features.count * paths, 12, 12, paths], activations: [.relu, .relu, .identity],
      seed: seed)
  }
}

/// What flows of an exploration were told, which path they took, and what it cost them.
package struct PathSamples: Sendable {
  package private(set) var inputs: [[Float]] = []
  package private(set) var taken: [Int] = []
  package private(set) var costs: [Float] = []

  /// Flows that saw no round trip, or whose path was changed, tell nothing.
  package init(_ output: PathProgram.Output, fractionBits: Int) {
    let unit = Float(1 << fractionBits)
    for flow in output.flows {
      guard let cost = flow.cost, flow.moves == 0, let asked = flow.first else { continue }
      inputs.append(asked.features.map { Float($0) / unit })
      taken.append(flow.path)
      costs.append(Float(cost))
    }
  }

  package init(inputs: [[Float]], taken: [Int], costs: [Float]) {
    (self.inputs, self.taken, self.costs) = (inputs, taken, costs)
  }

  package init(joining sets: some Sequence<PathSamples>) {
    for set in sets {
      inputs += set.inputs
      taken += set.taken
      costs += set.costs
    }
  }

  /// Mean squared error of whoever says their mean, in powers of two.
  package var variance: Double {
    let mean = Statistics.mean(costs.map(Double.init))
    return Statistics.mean(costs.map { (Double($0) - mean) * (Double($0) - mean) })
  }

  /// Mean squared error of the taken paths' predictions, in powers of two.
  func squaredError(of network: DenseNetwork) -> Double {
    let squares = inputs.indices.map { index in
      let error = Double(network(inputs[index])[taken[index]] - costs[index])
      return error * error
    }
    return squares.reduce(0, +) / Double(max(1, squares.count))
  }
}
