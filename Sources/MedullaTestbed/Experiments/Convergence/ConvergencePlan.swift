/// The training, the snapshots taken along it, and the link of the experiment `fig8`.
public struct ConvergencePlan: Codable, Equatable, Sendable {
  /// Decisions of the whole training.
  public var steps = 600_000
  /// Rounds of training after which a snapshot is taken; the last round's is taken too.
  public var rounds = [0, 1, 2, 4, 6, 8, 12, 16, 24, 32, 40, 48]
  public var rateMbps = 24.0
  public var rttMilliseconds = 30.0
  public var bufferBdp = 2.0
  public var seconds = 10
  public var warmUp = 4
  /// Runs of each snapshot.
  public var repeats = 2
  public var seed: UInt64 = 1

  public init() {}

  public static var quick: ConvergencePlan {
    var plan = ConvergencePlan()
    plan.steps = 200_000
    plan.rounds = [0, 2, 6, 12]
    plan.seconds = 6
    plan.warmUp = 2
    plan.repeats = 1
    return plan
  }

  public var isComplete: Bool {
    let full = ConvergencePlan()
    return steps >= full.steps && rounds.count >= full.rounds.count && seconds >= full.seconds
      && warmUp >= full.warmUp && repeats >= full.repeats
  }

  public var cell: LinkCell {
    LinkCell(
      part: .steady, rateMbps: rateMbps, rttMilliseconds: rttMilliseconds, bufferBdp: bufferBdp, loss: 0,
      flows: 1)
  }

  /// Throws `badParameter` for a plan that cannot be run.
  public func validate() throws {
    guard (1_000...100_000_000).contains(steps), !rounds.isEmpty, rounds.count <= 100,
      rounds.allSatisfy({ $0 >= 0 }), zip(rounds, rounds.dropFirst()).allSatisfy({ $0 < $1 }),
      (2...600).contains(seconds), (0..<seconds).contains(warmUp), (1...100).contains(repeats)
    else {
      throw TestbedError(
        .badParameter, "The plan of the training's snapshots is out of range.",
        remedy: "Use rising rounds, at most 100, and a warm-up shorter than the run.")
    }
    try cell.link(seed: seed).validate()
  }
}

/// What one snapshot of the training gave.
public struct ConvergenceRun: Codable, Equatable, Sendable {
  /// Rounds of training before it, and decisions in them.
  public var round: Int
  public var steps: Int
  /// Mean reward of the policy's own round in the simulator, at that point of the training.
  public var reward: Double
  /// On the emulated link.
  public var run: LinkRun

  public var line: String {
    "round \(String(round).indenting(3)), \(String(steps).indenting(7)) decisions, "
      + "reward \(decimal(reward, 3)): goodput \(decimal(run.goodputMbps, 2)) Mbit/s, "
      + "queue \(decimal(run.queueingDelayMeanMs, 1)) ms mean, \(run.dropped) dropped"
  }
}
