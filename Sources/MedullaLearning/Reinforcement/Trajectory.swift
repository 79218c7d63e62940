/// What one agent saw, did and got, step by step.
public struct Trajectory: Sendable {
  public let observationWidth: Int
  public let criticWidth: Int
  /// `count × observationWidth`, as the policy sees the state.
  public var observations: [Float] = []
  /// `count × criticWidth`, as the critic sees it: it may know what the policy cannot.
  public var criticObservations: [Float] = []
  public var actions: [Float] = []
  public var logProbabilities: [Float] = []
  public var rewards: [Float] = []
  public var values: [Float] = []
  /// The critic's value of the state after the last step; 0 when the episode has truly ended.
  public var finalValue: Float = 0

  public var count: Int { rewards.count }

  public init(observationWidth: Int, criticWidth: Int) {
    self.observationWidth = observationWidth
    self.criticWidth = criticWidth
  }

  /// Generalized advantage estimation (Schulman et al., 2016, equation 16), and advantage + value as the
  /// critic's target.
  public func advantages(discount: Float, lambda: Float) -> (advantages: [Float], returns: [Float]) {
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
