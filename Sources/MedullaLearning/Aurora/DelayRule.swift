import CMedullaABI
import Foundation
import MedullaModel

/// A rule of two numbers that a trained network has to be better than: the rate grows while the latency
/// ratio of the newest monitor interval is below a target, and shrinks above it,
///
///     action = limit · tanh(gain / limit · (target − ratio)),
///
/// which near the target is gain · (target − ratio), and never more than the controller takes.
package struct DelayRule: Sendable, Equatable {
  package var gain: Double
  /// Of the mean round trip of an interval over the connection's least.
  package var target: Double

  package init(gain: Double, target: Double) { (self.gain, self.target) = (gain, target) }

  /// What `medulla train delay-rule` finds. With a target of 1 the rule never grows the rate: the controller
  /// around it does (`mcc_fair_growth`).
  package static let best = DelayRule(gain: 40, target: 1)

  /// The controller's own limit of an action.
  package static let limit = Double(AuroraEvaluation.configuration().action_limit_q16) / 65536

  /// Which of a network's inputs is the newest interval's latency ratio; those that may follow the
  /// intervals' are not looked at.
  package static let input = Int(MCC_HISTORY - 1) * Int(MCC_FEATURES_PER_INTERVAL) + 1

  /// What the hidden layers after the first do to their only input, so that their tanh is nearly straight.
  private static let shrinking: Float = 0.25

  package func action(latencyRatio: Double) -> Double {
    Self.limit * tanh(gain / Self.limit * (target - latencyRatio))
  }

  /// In the simulator.
  package var policy: AuroraEvaluation.Policy {
    { features in
      SteeringOutputs(action: Int64(action(latencyRatio: Double(features[Self.input]) / 65536) * 65536))
    }
  }

  /// The rule as a network of the same layers as another one: one unit of each layer carries it, and all
  /// other weights are 0. The tanh of each hidden layer after the first takes up to 2% of a large action.
  ///
  /// - Throws: `shapeMismatch` for a network whose hidden layers are not dense layers with tanh.
  package func network(like network: Network) throws -> Network {
    let shape = try DenseNetwork(network)
    guard shape.layerCount > 1, shape.inputs > Self.input, shape.activations.last == .identity,
      shape.activations.dropLast().allSatisfy({ $0 == .tanh })
    else {
      throw LearningError(
        .shapeMismatch, "network \(network.name) has no hidden layers with tanh for a rule to lie in",
        remedy: "use a network like the one that Medulla ships")
    }
    var rule = shape
    rule.parameters = [Float](repeating: 0, count: shape.parameters.count)
    let (slope, last) = (Float(gain / Self.limit), shape.layerCount - 1)
    rule.parameters[Self.input * shape.widths[1]] = -slope
    rule.parameters[shape.inputs * shape.widths[1]] = slope * Float(target)
    for layer in 1..<last { rule.parameters[shape.offset(ofLayer: layer)] = Self.shrinking }
    let shrunk = (1..<last).reduce(Float(1)) { product, _ in product * Self.shrinking }
    rule.parameters[shape.offset(ofLayer: last)] = Float(Self.limit) / shrunk
    rule.denyRivals()
    return try rule.network(
      name: "delay-rule", inputName: network.inputName, outputName: network.outputName)
  }
}

extension DenseNetwork {
  /// Makes the verdict, where there is one and all its weights are 0, that there are no rivals.
  fileprivate mutating func denyRivals() {
    if outputs > 1 { parameters[parameters.count - 1] = -Float(MCC_VERDICT_MAX) / Float(MCC_ONE) }
  }
}

extension Network {
  /// A network of the same layers that always says 0, and that there are no rivals.
  package func silenced() throws -> Network {
    var silent = try DenseNetwork(self)
    silent.parameters = [Float](repeating: 0, count: silent.parameters.count)
    silent.denyRivals()
    return try silent.network(name: "zero", inputName: inputName, outputName: outputName)
  }

  /// A network of the same layers that has learned nothing: drawn weights over what training sees.
  package func untrained(seed: UInt64) throws -> Network {
    let shape = try DenseNetwork(self)
    let drawn = try DenseNetwork(widths: shape.widths, activations: shape.activations, seed: seed)
    return try AuroraObservation.export(drawn, name: "untrained")
  }
}
