import MedullaBase
import MedullaDatapath

/// What a decision of the congestion control was worth, from live traffic alone: at most 1,
///
///     use − 0.3 · queueing − loss
///
/// with the weights of the training's reward (`AuroraReward`), scaled so that a full, empty-queued, loss-free
/// path is 1.
///
/// - *queueing* is (mean RTT − minimum RTT) / minimum RTT of the interval, up to 3, with a minimum of at
///   least 1 ms, below which the host makes the delay; *loss* is lost / (lost + acknowledged).
/// - *use* is 1 when the interval shows that the bottleneck was busy: a queue of more than 5% of the round
///   trip and 0.5 ms. Then the rate was all that the path had, however little that is, so a path whose
///   capacity has fallen costs nothing. Without a queue nobody can tell an idle path from a slow sender, and
///   *use* is what the flow got times the flows that were beside it on its kind of path, over the most that
///   this product was lately.
///
/// Paths are told apart by the octave of their minimum RTT; the most is taken over the last two periods
/// of `memory`, so that it follows a fallen capacity.
package struct CongestionReward: RewardMeasure {
  package let unit = RandomizationUnit.flow

  private var paths: [Int: PathOccupancy] = [:]
  private var period: UInt64 = 0
  private let memory: UInt64

  package static let queueShare = 0.05
  package static let queueMicroseconds = 500.0
  static let hostMicroseconds = 1_000.0

  /// - Parameter memory: for how long the most that a path gave is remembered, at least.
  package init(memory: Duration = .seconds(20)) {
    self.memory = UInt64(max(memory.inSeconds, 1) * 1e9)
  }

  package mutating func rewards(of samples: [FunctionSample]) -> [RewardSample] {
    samples.compactMap { sample in
      guard let outcome = CongestionOutcome(sample.outcomes), let reward = reward(of: outcome, sample) else {
        return nil
      }
      return RewardSample(version: sample.version, unit: sample.flow, reward: reward, time: sample.time)
    }
  }

  /// nil when the interval has no RTT to go by.
  private mutating func reward(of outcome: CongestionOutcome, _ sample: FunctionSample) -> Double? {
    guard outcome.roundTripMicroseconds > 0, outcome.minimumRoundTripMicroseconds > 0 else { return nil }
    let (mean, least) = (
      Double(outcome.roundTripMicroseconds), Double(outcome.minimumRoundTripMicroseconds)
    )
    let queue = max(0, mean - least)
    let sent = Double(max(outcome.acknowledged, 0)) + Double(max(outcome.lost, 0))
    let loss = sent > 0 ? Double(max(outcome.lost, 0)) / sent : 0
    let share = self.share(of: outcome, octave: Int(least.exponent), sample)
    let isBusy = queue > Self.queueShare * least && queue > Self.queueMicroseconds
    return (isBusy ? 1 : share) - 0.3 * min(queue / max(least, Self.hostMicroseconds), 3) - loss
  }

  /// What the flow got times the flows beside it, over the most that this was lately.
  private mutating func share(of outcome: CongestionOutcome, octave: Int, _ sample: FunctionSample) -> Double
  {
    let end = sample.nanoseconds
    forget(at: end)
    let length = UInt64(max(outcome.intervalMicroseconds, 0)).multipliedReportingOverflow(by: 1_000)
    return paths[octave, default: PathOccupancy()].note(
      flow: sample.flow, from: length.overflow || length.partialValue > end ? 0 : end - length.partialValue,
      to: end, rate: Double(max(outcome.deliveryRate, 0)))
  }

  /// Begins a new period when the old one is over, and drops flows that no longer send.
  private mutating func forget(at now: UInt64) {
    let second = now / PathOccupancy.memory
    if second != lastSweep {
      lastSweep = second
      for octave in paths.keys { paths[octave]?.forget(at: now) }
    }
    guard now / memory != period else { return }
    let isNext = now / memory == period + 1
    period = now / memory
    for octave in paths.keys { paths[octave]?.turn(isNext: isNext) }
  }

  private var lastSweep: UInt64 = 0
}
