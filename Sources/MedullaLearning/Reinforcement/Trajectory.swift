/// What one agent saw, did and got, step by step.
package struct Trajectory: Sendable {
  package let observationWidth: Int
  package let criticWidth: Int
  /// `count × observationWidth`, as the policy sees the state.
  package var observations: [Float] = []
  /// `count × criticWidth`, as the critic sees it: it may know what the policy cannot.
  package var criticObservations: [Float] = []
  package var actions: [Float] = []
  package var logProbabilities: [Float] = []
  package var rewards: [Float] = []
  /// What the second output should have said, above or below 0, and how much it matters; 0: not at all. Empty
  /// for a network of one output.
  package var labels: [Float] = []
  package var values: [Float] = []
  /// The critic's value of the state after the last step; 0 when the episode has truly ended.
  package var finalValue: Float = 0

  package var count: Int { rewards.count }

  package init(observationWidth: Int, criticWidth: Int) {
    self.observationWidth = observationWidth
    self.criticWidth = criticWidth
  }

  /// Generalized advantage estimation (Schulman et al., 2016, equation 16), and advantage + value as the
  /// critic's target.
  package func advantages(discount: Float, lambda: Float) -> (advantages: [Float], returns: [Float]) {
    var advantages = [Float](repeating: 0, count: count)
    var following = finalValue
    var running: Float = 0
    for index in stride(from: count - 1, through: 0, by: -1) {
      let surprise = rewards[index] + discount * following - values[index]
      running = surprise + discount * lambda * running
      advantages[index] = running
      following = values[index]
    }
    return (advantages, zip(advantages, values).map { $0 + $1 })
  }
}
