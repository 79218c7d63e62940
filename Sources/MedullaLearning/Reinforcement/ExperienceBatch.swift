#if canImport(Glibc)
import Glibc
#else
import Darwin
#endif

/// The steps of many trajectories side by side, ready for gradients.
struct ExperienceBatch {
  let observationWidth: Int
  let criticWidth: Int
  private(set) var observations: [Float] = []
  private(set) var criticObservations: [Float] = []
  private(set) var actions: [Float] = []
  private(set) var logProbabilities: [Float] = []
  private(set) var advantages: [Float] = []
  private(set) var returns: [Float] = []
  private(set) var labels: [Float] = []

  var count: Int { actions.count }

  init(_ trajectories: [Trajectory], discount: Float, lambda: Float) {
    observationWidth = trajectories.first?.observationWidth ?? 0
    criticWidth = trajectories.first?.criticWidth ?? 0
    for trajectory in trajectories {
      let estimate = trajectory.advantages(discount: discount, lambda: lambda)
      observations += trajectory.observations
      criticObservations += trajectory.criticObservations
      actions += trajectory.actions
      logProbabilities += trajectory.logProbabilities
      advantages += estimate.advantages
      returns += estimate.returns
      labels += trajectory.labels
    }
  }

  mutating func normalizeAdvantages() {
    guard count > 1 else { return }
    var sum = 0.0
    var squares = 0.0
    for value in advantages {
      sum += Double(value)
      squares += Double(value) * Double(value)
    }
    let mean = sum / Double(count)
    let deviation = max(squares / Double(count) - mean * mean, 0).squareRoot() + 1e-8
    for index in advantages.indices {
      advantages[index] = Float((Double(advantages[index]) - mean) / deviation)
    }
  }

  /// Sums over one minibatch, divided by its size. `policy` ends with the slope of the log deviation.
  struct Gradients {
    var policy: [Float]
    /// Of the cross entropy of the second output by the policy's parameters; empty without labels.
    var label: [Float]
    var critic: [Float]
    var policyLoss: Float = 0
    var criticLoss: Float = 0
    /// Cross entropy of the second output, in nats.
    var labelLoss: Float = 0
    /// Mean of (ratio − 1) − log ratio, an estimate of KL(old ‖ new).
    var divergence: Float = 0
  }

  /// A minibatch is cut into this many shares whatever the number of processors, and the shares are added in
  /// order: the result does not depend on who computes them.
  static let shares = 8

  func gradients(
    _ indices: [Int], policy: GaussianPolicy, critic: DenseNetwork, options: PolicyOptimizer.Options
  ) -> Gradients {
    let parts = inParallel(Self.shares) { share in
      let from = indices.count * share / Self.shares
      let to = indices.count * (share + 1) / Self.shares
      return self.share(indices[from..<to], indices.count, policy, critic, options)
    }
    var total = parts[0]
    for part in parts.dropFirst() {
      for index in total.policy.indices { total.policy[index] += part.policy[index] }
      for index in total.label.indices { total.label[index] += part.label[index] }
      for index in total.critic.indices { total.critic[index] += part.critic[index] }
      total.policyLoss += part.policyLoss
      total.criticLoss += part.criticLoss
      total.labelLoss += part.labelLoss
      total.divergence += part.divergence
    }
    return total
  }

  private func share(
    _ indices: ArraySlice<Int>, _ size: Int, _ policy: GaussianPolicy, _ critic: DenseNetwork,
    _ options: PolicyOptimizer.Options
  ) -> Gradients {
    var sums = Gradients(
      policy: [Float](repeating: 0, count: policy.mean.parameters.count + 1),
      label: [Float](repeating: 0, count: labels.count == count ? policy.mean.parameters.count : 0),
      critic: [Float](repeating: 0, count: critic.parameters.count))
    let weight = 1 / Float(size)
    var policyPass = NetworkPass(policy.mean)
    var criticPass = NetworkPass(critic)
    for index in indices {
      let mean = policyPass.forward(observations, at: index * observationWidth)
      let logRatio =
        GaussianPolicy.logProbability(
          action: actions[index], mean: mean, logDeviation: policy.logDeviation) - logProbabilities[index]
      let ratio = expf(min(max(logRatio, -20), 20))
      let advantage = advantages[index]
      let clipped = min(max(ratio, 1 - options.clip), 1 + options.clip)
      let isActive = ratio * advantage <= clipped * advantage
      sums.policyLoss -= min(ratio * advantage, clipped * advantage) * weight
      sums.divergence += (ratio - 1 - logRatio) * weight
      // d(−ratio·A)/d(mean) = −ratio·A·(a − mean)/σ², and by log σ: −ratio·A·(z² − 1).
      let precision = expf(-2 * policy.logDeviation)
      let distance = actions[index] - mean
      let slope = isActive ? -ratio * advantage * weight : 0
      if !sums.label.isEmpty, labels[index] != 0 {
        let probability = 1 / (1 + expf(-policyPass.second))
        let (target, importance): (Float, Float) = (labels[index] > 0 ? 1 : 0, abs(labels[index]) * weight)
        sums.labelLoss -= importance * logf(max(target > 0 ? probability : 1 - probability, 1e-6))
        policyPass.backward(0, second: (probability - target) * importance, into: &sums.label)
      }
      policyPass.backward(slope * distance * precision, into: &sums.policy)
      sums.policy[sums.policy.count - 1] +=
        slope * (distance * distance * precision - 1) - options.entropy * weight
      let value = criticPass.forward(criticObservations, at: index * criticWidth)
      let error = value - returns[index]
      sums.criticLoss += 0.5 * error * error * weight
      criticPass.backward(error * weight, into: &sums.critic)
    }
    return sums
  }
}
