import Foundation
import MedullaBase
import Testing

@testable import MedullaLearning

@Suite("Policy optimization")
struct ReinforcementTests {
  static func trajectory(rewards: [Float], values: [Float], finalValue: Float) -> Trajectory {
    var trajectory = Trajectory(observationWidth: 1, criticWidth: 1)
    trajectory.rewards = rewards
    trajectory.values = values
    trajectory.finalValue = finalValue
    return trajectory
  }

  @Test(
    "advantages are those of the recursion, by hand",
    arguments: [
      // δ = 1 + 0.5·0 − 0 each: 1; 1 + 0.25·1; 1 + 0.25·1.25.
      ([1, 1, 1], [0, 0, 0], 0, 0.5, 0.5, [1.3125, 1.25, 1]),
      // λ = 0: one-step surprises.
      ([1, 2], [3, 4], 8, 0.5, 0, [0, 2]),
      // λ = 1: discounted sum less the value.
      ([1, 2], [3, 4], 8, 0.5, 1, [1, 2]),
    ] as [([Float], [Float], Float, Float, Float, [Float])])
  func advantages(
    rewards: [Float], values: [Float], finalValue: Float, discount: Float, lambda: Float, expected: [Float]
  ) {
    let result = Self.trajectory(rewards: rewards, values: values, finalValue: finalValue)
      .advantages(discount: discount, lambda: lambda)
    #expect(zip(result.advantages, expected).allSatisfy { abs($0 - $1) < 1e-6 })
    #expect(zip(result.returns, zip(expected, values)).allSatisfy { abs($0 - $1.0 - $1.1) < 1e-6 })
  }

  @Test("the gradients of the clipped objective agree with finite differences")
  func objective() throws {
    var generator = SeededGenerator(seed: 5)
    let network = try DenseNetwork(widths: [2, 4, 1], activations: [.tanh, .identity], seed: 6)
    let critic = try DenseNetwork(widths: [2, 3, 1], activations: [.tanh, .identity], seed: 7)
    var policy = GaussianPolicy(mean: network, logDeviation: -0.3)
    var trajectory = Trajectory(observationWidth: 2, criticWidth: 2)
    for _ in 0..<64 {
      let observation = [Float(generator.normal()), Float(generator.normal())]
      trajectory.observations += observation
      trajectory.criticObservations += observation
      trajectory.actions.append(Float(generator.normal()))
      trajectory.logProbabilities.append(Float(generator.uniform(-2 ... -0.5)))
      trajectory.rewards.append(Float(generator.normal()))
      trajectory.values.append(0)
    }
    var options = PolicyOptimizer.Options()
    options.entropy = 0
    let batch = ExperienceBatch([trajectory], discount: 0.9, lambda: 0.9)
    let order = Array(0..<batch.count)
    func loss(_ policy: GaussianPolicy, _ critic: DenseNetwork) -> ExperienceBatch.Gradients {
      batch.gradients(order, policy: policy, critic: critic, options: options)
    }
    let exact = loss(policy, critic)
    let step: Float = 2e-3
    for index in 0...network.parameters.count {
      func moved(_ by: Float) -> Float {
        var other = policy
        if index < network.parameters.count {
          other.mean.parameters[index] += by
        } else {
          other.logDeviation += by
        }
        return loss(other, critic).policyLoss
      }
      let expected = (moved(step) - moved(-step)) / (2 * step)
      #expect(abs(exact.policy[index] - expected) < 0.02 + 0.05 * abs(expected), "parameter \(index)")
    }
    for index in critic.parameters.indices {
      func moved(_ by: Float) -> Float {
        var other = critic
        other.parameters[index] += by
        return loss(policy, other).criticLoss
      }
      let expected = (moved(step) - moved(-step)) / (2 * step)
      #expect(abs(exact.critic[index] - expected) < 0.01 + 0.02 * abs(expected), "parameter \(index)")
    }
    policy.logDeviation = 0
    #expect(loss(policy, critic).divergence > 0)
  }

  @Test("a policy learns to answer with its observation")
  func toy() throws {
    let policy = GaussianPolicy(
      mean: try DenseNetwork(widths: [1, 8, 1], activations: [.tanh, .identity], outputGain: 0.1, seed: 1),
      logDeviation: -0.5)
    let critic = try DenseNetwork(widths: [1, 8, 1], activations: [.tanh, .identity], seed: 2)
    var options = PolicyOptimizer.Options()
    options.minibatch = 128
    options.policyRate = 5e-3
    var optimizer = PolicyOptimizer(policy: policy, critic: critic, options: options, seed: 3)
    var generator = SeededGenerator(seed: 4)
    for _ in 0..<40 {
      var trajectory = Trajectory(observationWidth: 1, criticWidth: 1)
      for _ in 0..<512 {
        let state: Float = generator.chance(0.5) ? 1 : -1
        let mean = optimizer.policy.mean([state])[0]
        let action = mean + Float.exponential(optimizer.policy.logDeviation) * Float(generator.normal())
        trajectory.observations.append(state)
        trajectory.criticObservations.append(state)
        trajectory.actions.append(action)
        trajectory.logProbabilities.append(
          GaussianPolicy.logProbability(
            action: action, mean: mean, logDeviation: optimizer.policy.logDeviation))
        trajectory.rewards.append(-(action - state) * (action - state))
        trajectory.values.append(optimizer.critic([state])[0])
      }
      _ = optimizer.update([trajectory])
    }
    #expect(abs(optimizer.policy.mean([1])[0] - 1) < 0.15)
    #expect(abs(optimizer.policy.mean([-1])[0] + 1) < 0.15)
    #expect(optimizer.policy.logDeviation < -0.6)
  }
}
