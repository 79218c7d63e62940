import Foundation
import MedullaBase
import MedullaLearning
import TestbedMeasures

/// Features of flows and the logarithms of their sizes.
struct FlowSizeSamples {
  var inputs: [[Float]] = []
  var targets: [Float] = []

  /// Each flow twice: when it begins, and at a moment before its end, uniform in the logarithm of the bytes
  /// sent, since a sender may ask again.
  init(_ flows: [FabricFlow], using generator: inout SeededGenerator) {
    for (flow, features) in zip(flows, FlowSizeFeatures.atStart(of: flows)) {
      let later = Int(generator.logUniform(1...Double(flow.bytes)))
      for sent in [0, later] {
        inputs.append([FlowSizeFeatures.payload(flow, sent: sent)] + features)
        targets.append(Float(log2(Double(flow.bytes) + 1)))
      }
    }
  }

  init(inputs: [[Float]], targets: [Float]) {
    (self.inputs, self.targets) = (inputs, targets)
  }

  init(joining sets: some Sequence<FlowSizeSamples>) {
    for set in sets {
      inputs += set.inputs
      targets += set.targets
    }
  }
}

/// Mean and deviation of features and targets: training sees them around 0, the network that comes out takes
/// them as they are.
struct FlowSizeScale {
  private let means: [Float]
  private let deviations: [Float]
  private let targetMean: Float
  private let targetDeviation: Float

  /// - Parameter least: deviation of a feature that hardly ever changes; it may in life.
  init(_ samples: FlowSizeSamples, least: Float = 1e-3) {
    let width = samples.inputs.first?.count ?? 0
    let columns = (0..<width).map { column in samples.inputs.map { Double($0[column]) } }
    means = columns.map { Float(Statistics.mean($0)) }
    deviations = columns.map { max(Float(Statistics.deviation($0)), least) }
    let targets = samples.targets.map(Double.init)
    targetMean = Float(Statistics.mean(targets))
    targetDeviation = max(Float(Statistics.deviation(targets)), 1e-3)
  }

  func scaled(_ input: [Float]) -> [Float] {
    input.indices.map { (input[$0] - means[$0]) / deviations[$0] }
  }

  func scaled(_ samples: FlowSizeSamples) -> FlowSizeSamples {
    var result = samples
    result.inputs = samples.inputs.map(scaled)
    result.targets = samples.targets.map { ($0 - targetMean) / targetDeviation }
    return result
  }

  /// Mean squared error in bits of the size, of a network that takes scaled features.
  func squaredError(of network: DenseNetwork, on samples: FlowSizeSamples) -> Double {
    let errors = zip(samples.inputs, samples.targets).map { input, target in
      let error = Double(network(scaled(input))[0] * targetDeviation + targetMean - target)
      return error * error
    }
    return Statistics.mean(errors)
  }

  /// The same network for features and targets as they are: the scaling goes into the first layer's and the
  /// last layer's weights and biases.
  func unscaled(_ network: DenseNetwork) -> DenseNetwork {
    var result = network
    let width = network.widths[1]
    let firstBias = network.offset(ofLayer: 0) + means.count * width
    for input in means.indices {
      for output in 0..<width {
        let index = network.offset(ofLayer: 0) + input * width + output
        result.parameters[index] = network.parameters[index] / deviations[input]
        result.parameters[firstBias + output] -= network.parameters[index] * means[input] / deviations[input]
      }
    }
    let last = network.offset(ofLayer: network.layerCount - 1)
    for index in last..<network.parameters.count { result.parameters[index] *= targetDeviation }
    for bias in network.parameters.indices.suffix(network.outputs) { result.parameters[bias] += targetMean }
    return result
  }
}
