/// What is asked of the policy, free of scale: fill the path, keep its queue short, lose nothing of one's own
/// making, move smoothly. Flows that share a path share the reward, so that none gains by pushing others out;
/// that they also share the rate is the controller's part (`mcc_fair_growth`).
package struct AuroraReward: Sendable, Codable, Equatable {
  /// For each unit of capacity that is left unused.
  package var idleness: Float = 0.5
  /// For each round trip of standing queue.
  package var queueing: Float = 0.15
  /// For each unit of loss that the buffer makes.
  package var loss: Float = 0.5
  /// For each unit of the logarithm of a flow's share of its fair part, beside rivals who do not give way.
  package var unfairness: Float = 0.3
  /// For the square of a change of action.
  package var roughness: Float = 0.0003

  package init() {}

  /// - Parameters:
  ///   - use: share of the capacity that all flows used.
  ///   - queue: queueing delay over the round trip of the empty path.
  ///   - dropped: share of packets that the buffer dropped.
  ///   - change: of the action.
  func callAsFunction(use: Double, queue: Double, dropped: Double, change: Float) -> Float {
    let unused = Float(1 - min(max(use, 0), 1))
    let limited = min(change * change, 25)
    return -idleness * unused - queueing * Float(min(max(queue, 0), 3)) - loss * Float(dropped)
      - roughness * limited
  }

  /// Beside rivals each flow has its own: the fair part, no more and no less.
  ///
  /// - Parameter share: what the flow got over its fair part.
  func callAsFunction(share: Double, change: Float) -> Float {
    let away = min(abs(Float(max(share, 0.01)).logarithm), 2.5)
    return -unfairness * away - roughness * min(change * change, 25)
  }
}
