#if canImport(Glibc)
import Glibc
import MedullaBase
#else
import Darwin
#endif

/// Proximal policy optimization with a clipped ratio (Schulman et al., 2017, equation 7), a Gaussian policy
/// of one action and a separate critic.
package struct PolicyOptimizer: Sendable, Codable {
  package struct Options: Sendable, Codable, Equatable {
    package var discount: Float = 0.97
    package var lambda: Float = 0.95
    package var clip: Float = 0.2
    package var entropy: Float = 0.001
    /// Learning rate of the second output's cross entropy.
    package var labelRate: Float = 1e-3
    /// Whether actions are learned, or only the second output.
    package var learnsActions = true
    package var epochs = 5
    package var minibatch = 1024
    package var policyRate: Float = 1e-3
    package var criticRate: Float = 2e-3
    package var largestNorm: Float = 0.5
    /// Epochs end early past this divergence of the new policy from the old.
    package var divergence: Float = 0.03
    package var logDeviationRange: ClosedRange<Float> = -4...1

    package init() {}
  }

  /// How an update went.
  package struct Report: Sendable, Equatable {
    package var policyLoss: Float = 0
    package var criticLoss: Float = 0
    package var labelLoss: Float = 0
    package var divergence: Float = 0
    package var epochs = 0
  }

  package var options: Options
  package var policy: GaussianPolicy
  package var critic: DenseNetwork
  private var policyAdam: Adam
  private var criticAdam: Adam
  private var labelAdam: Adam
  /// Of the policy's parameters: 0 where there is no connection.
  private let connections: [Float]
  private var shuffles: UInt64 = 0
  private let seed: UInt64

  package init(policy: GaussianPolicy, critic: DenseNetwork, options: Options, seed: UInt64) {
    self.policy = policy
    self.critic = critic
    self.options = options
    self.seed = seed
    connections = policy.mean.connections
    policyAdam = Adam(count: policy.mean.parameters.count + 1, rate: options.policyRate)
    criticAdam = Adam(count: critic.parameters.count, rate: options.criticRate)
    labelAdam = Adam(count: policy.mean.parameters.count, rate: options.labelRate)
  }

  /// Sets both learning rates to `factor` of what the options say.
  package mutating func scaleRates(_ factor: Float) {
    policyAdam.rate = options.policyRate * factor
    criticAdam.rate = options.criticRate * factor
    labelAdam.rate = options.labelRate * factor
  }

  /// Whether all parts fit together; a decoded value may not.
  var isSound: Bool {
    policy.mean.isSound && critic.isSound && critic.outputs == 1 && policy.logDeviation.isFinite
      && policyAdam.count == policy.mean.parameters.count + 1
      && labelAdam.count == policy.mean.parameters.count && connections.count == labelAdam.count
      && criticAdam.count == critic.parameters.count
      && options.minibatch > 0 && options.epochs > 0
  }

  /// Improves the critic, and unless told otherwise the policy, by what `trajectories` tell.
  package mutating func update(_ trajectories: [Trajectory], movesPolicy: Bool = true) -> Report {
    var batch = ExperienceBatch(trajectories, discount: options.discount, lambda: options.lambda)
    batch.normalizeAdvantages()
    var report = Report()
    guard batch.count > 0 else { return report }
    var order = Array(0..<batch.count)
    for _ in 0..<options.epochs {
      shuffles += 1
      var generator = SeededGenerator(seed: seed &+ shuffles &* 0x9E37_79B9)
      order.shuffle(using: &generator)
      var divergence: Float = 0
      var losses: (policy: Float, critic: Float, label: Float) = (0, 0, 0)
      var minibatches: Float = 0
      for start in stride(from: 0, to: order.count, by: options.minibatch) {
        let indices = Array(order[start..<min(start + options.minibatch, order.count)])
        let sums = batch.gradients(indices, policy: policy, critic: critic, options: options)
        if movesPolicy {
          if options.learnsActions { step(by: sums.policy) }
          if !sums.label.isEmpty {
            labelAdam.step(
              &policy.mean.parameters, connected(sums.label), largestNorm: options.largestNorm)
          }
        }
        if options.learnsActions { criticAdam.step(&critic.parameters, sums.critic, largestNorm: 10) }
        divergence += sums.divergence
        losses.policy += sums.policyLoss
        losses.critic += sums.criticLoss
        losses.label += sums.labelLoss
        minibatches += 1
      }
      report.epochs += 1
      report.divergence = divergence / minibatches
      report.policyLoss = losses.policy / minibatches
      report.criticLoss = losses.critic / minibatches
      report.labelLoss = losses.label / minibatches
      if options.learnsActions, report.divergence > options.divergence { break }
    }
    return report
  }

  private mutating func step(by gradient: [Float]) {
    var parameters = policy.mean.parameters + [policy.logDeviation]
    policyAdam.step(&parameters, connected(gradient), largestNorm: options.largestNorm)
    let bounds = options.logDeviationRange
    policy.logDeviation = min(max(parameters.removeLast(), bounds.lowerBound), bounds.upperBound)
    policy.mean.parameters = parameters
  }

  /// A gradient without what belongs to no connection; what follows the network's own stays.
  private func connected(_ gradient: [Float]) -> [Float] {
    var gradient = gradient
    for index in connections.indices { gradient[index] *= connections[index] }
    return gradient
  }
}
