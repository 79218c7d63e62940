/// Whether the snapshots along a training converge, computed from the runs.
public struct ConvergenceVerdict: ExperimentVerdict, Equatable {
  public struct Targets: Codable, Equatable, Sendable {
    /// Goodput of the last snapshot over that of the best.
    public var lastOverBest = 0.95
    /// Reward of the last round above that of the first, as a share of the first's distance from 0.
    public var rewardGain = 0.5

    public init() {}
  }

  public struct Figures: Codable, Equatable, Sendable {
    public var lastGoodputMbps: Double?
    public var bestGoodputMbps: Double?
    public var worstGoodputMbps: Double?
    public var lastOverBest: Double?
    public var firstQueueMs: Double?
    public var lastQueueMs: Double?
    public var firstReward: Double?
    public var lastReward: Double?
    public var rewardGain: Double?
  }

  public var met: Bool
  public var complete: Bool
  public var figures: Figures
  public var targets: Targets
  public var misses: [String]

  public init(_ runs: [ConvergenceRun], complete: Bool, targets: Targets = Targets()) {
    let points = ConvergenceRun.means(runs)
    let goodputs = points.map(\.goodputMbps)
    let (first, last) = (points.first, points.last)
    let best = goodputs.max()
    figures = Figures(
      lastGoodputMbps: last?.goodputMbps, bestGoodputMbps: best, worstGoodputMbps: goodputs.min(),
      lastOverBest: last.flatMap { last in best.flatMap { $0 > 0 ? last.goodputMbps / $0 : nil } },
      firstQueueMs: first?.queueMs, lastQueueMs: last?.queueMs, firstReward: first?.reward,
      lastReward: last?.reward,
      rewardGain: first.flatMap { first in
        last.flatMap { first.reward < 0 ? ($0.reward - first.reward) / -first.reward : nil }
      })
    self.complete = complete
    self.targets = targets
    misses = []
    met = false
    if complete {
      misses = rows.filter { $0.bound != nil && $0.holds != true }
        .map { "\($0.name): \($0.value.map { decimal($0, 3) } ?? "not measured")" }
      misses += runs.filter { $0.run.fellBehind }.map { "round \($0.round): the emulator fell behind" }
      misses += runs.filter { $0.run.deviceDrops > 0 }
        .map { "round \($0.round): packets dropped beside the emulated buffer" }
    }
    met = complete && misses.isEmpty
  }

  public var rows: [VerdictRow] {
    [
      VerdictRow("goodput of the last snapshot (Mbit/s)", figures.lastGoodputMbps),
      VerdictRow("best (Mbit/s)", figures.bestGoodputMbps),
      VerdictRow("worst (Mbit/s)", figures.worstGoodputMbps),
      VerdictRow("last over best", figures.lastOverBest, .atLeast(targets.lastOverBest)),
      VerdictRow("queue of the first snapshot (ms)", figures.firstQueueMs),
      VerdictRow("queue of the last (ms)", figures.lastQueueMs),
      VerdictRow(
        "reward gained, of the first's distance to 0", figures.rewardGain, .atLeast(targets.rewardGain)),
    ]
  }
}

extension ConvergenceRun {
  /// Means over the runs of one snapshot, in the training's order.
  struct Means: Equatable {
    var round: Int
    var steps: Int
    var reward: Double
    var goodputMbps: Double
    var queueMs: Double
  }

  static func means(_ runs: [ConvergenceRun]) -> [Means] {
    Dictionary(grouping: runs, by: \.round).sorted { $0.key < $1.key }.compactMap { round, runs in
      runs.first.map { first in
        Means(
          round: round, steps: first.steps, reward: first.reward,
          goodputMbps: Statistics.mean(runs.map(\.run.goodputMbps)),
          queueMs: Statistics.mean(runs.map(\.run.queueingDelayMeanMs)))
      }
    }
  }
}
