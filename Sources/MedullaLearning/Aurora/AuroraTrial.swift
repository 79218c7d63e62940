/// How a policy does on given scenarios, by the reward that it is trained on, without its noise.
package struct AuroraTrial: Sendable {
  package let scenarios: [AuroraScenario]
  package let decisions: Int
  package var reward = AuroraReward()

  package struct Result: Sendable, Equatable {
    /// Means over all decisions.
    package let reward: Double
    package let use: Double
    package let queue: Double
  }

  /// - Parameter decisions: after which a flow's episode ends.
  package init(_ scenarios: [AuroraScenario], decisions: Int) {
    self.scenarios = scenarios
    self.decisions = decisions
  }

  /// - Parameter policy: on what training sees, as `AuroraTraining.policy` is.
  /// - Throws: `LearningError` when a scenario makes no sense.
  package func run(_ policy: DenseNetwork) throws(LearningError) -> Result {
    let critic = try DenseNetwork(
      widths: [AuroraObservation.features + AuroraEpisode.criticExtras, 1], activations: [.identity], seed: 1)
    // A deviation of e^-40 is nothing beside any action.
    let still = GaussianPolicy(mean: policy, logDeviation: -40)
    let results = inParallel(scenarios.count) { index in
      Played { () throws(LearningError) in
        var scenario = scenarios[index]
        scenario.decisions = decisions
        let episode = AuroraEpisode(
          scenario: scenario, reward: reward, configuration: AuroraTraining.configuration())
        return try episode.run(policy: still, critic: critic, seed: UInt64(index) &+ 1)
      }
    }
    var sums = (reward: 0.0, use: 0.0, queue: 0.0, steps: 0)
    for result in results {
      let outcome = try result.get()
      sums.reward += outcome.rewardSum
      sums.use += outcome.useSum
      sums.queue += outcome.queueSum
      sums.steps += outcome.steps
    }
    let count = Double(max(sums.steps, 1))
    return Result(reward: sums.reward / count, use: sums.use / count, queue: sums.queue / count)
  }

  private typealias Played = Swift.Result<AuroraEpisode.Outcome, LearningError>
}
