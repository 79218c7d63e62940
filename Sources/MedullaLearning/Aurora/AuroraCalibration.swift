import CMedullaABI
import MedullaBase

/// Observations that a policy meets, for the quantizer: over the whole range of paths, in natural units,
/// clipped to what the policy tells apart.
package struct AuroraCalibration: Sendable, Equatable {
  /// `count × 30`, row-major.
  package let values: [Float]
  package var count: Int { values.count / AuroraObservation.features }

  /// Draws `count` observations from the simulator: a few from each of many random paths.
  /// - Throws: `LearningError` when `count` is not in 1...1,000,000.
  package init(policy: GaussianPolicy, count: Int, seed: UInt64) throws(LearningError) {
    guard (1...1_000_000).contains(count) else {
      throw LearningError(.invalidOption, "a calibration has 1 to 1000000 observations, not \(count)")
    }
    // An episode can be too short for its share, so more are played than would do.
    let episodes = (count + Self.perEpisode - 1) / Self.perEpisode * 5 / 4 + 1
    let parts = inParallel(episodes) { index in
      Result { () throws(LearningError) in
        try Self.observations(policy, seed: SeededGenerator.derived(seed, -1, index))
      }
    }
    var values: [Float] = []
    for part in parts { values += try part.get() }
    self.values = Array(values.prefix(count * AuroraObservation.features))
  }

  private static let perEpisode = 16
  private static let decisions = 160

  private static func observations(_ policy: GaussianPolicy, seed: UInt64) throws(LearningError) -> [Float] {
    let scenario = AuroraScenario.random(seed: seed, decisions: decisions)
    let seen = Seen(policy, seed: seed)
    let simulator = try CongestionSimulator(scenario.link, configuration: AuroraTraining.configuration()) {
      [disturbances = scenario.disturbances] flow, features in
      seen.decide(flow, features, factor: disturbances[flow])
    }
    seen.simulator = simulator
    simulator.run(until: scenario.duration)
    let width = AuroraObservation.features
    let rows = seen.rows.count / width
    guard rows > 0 else { return [] }
    return (0..<min(perEpisode, rows)).flatMap { index in
      let row = rows * index / min(perEpisode, rows)
      return seen.rows[(row * width)..<((row + 1) * width)]
    }
  }

  private final class Seen {
    weak var simulator: CongestionSimulator?
    var rows: [Float] = []
    private var pass: NetworkPass
    private let deviation: Float
    private var generator: SeededGenerator
    private var started: Set<Int> = []

    init(_ policy: GaussianPolicy, seed: UInt64) {
      pass = NetworkPass(policy.mean)
      deviation = Float.exponential(policy.logDeviation)
      generator = SeededGenerator(seed: seed &+ 1)
    }

    func decide(_ flow: Int, _ features: UnsafePointer<Int64>, factor: Double) -> SteeringOutputs {
      if started.insert(flow).inserted { simulator?.disturb(flow: flow, factor: factor) }
      rows += AuroraObservation.clipped(features)
      if rows.count >= AuroraCalibration.decisions * 4 * AuroraObservation.features { simulator?.stop() }
      let action =
        pass.forward(AuroraObservation.normalized(features)) + deviation * Float(generator.normal())
      return AuroraEvaluation.outputs(
        action * AuroraObservation.actionScale, pass.network.outputs > 1 ? pass.second : nil)
    }
  }

  /// One observation each.
  package var samples: [[Float]] {
    let width = AuroraObservation.features
    return (0..<count).map { Array(values[($0 * width)..<(($0 + 1) * width)]) }
  }
}
