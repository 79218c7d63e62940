import MedullaDatapath

/// What becomes of drained samples: their rewards, the statistics, the last inputs, and the queue before the
/// adapter.
struct SampleIntake: Sendable {
  let maker: CandidateMaker
  /// O_min...O_max of each output.
  let ranges: [ClosedRange<Double>]
  private var measure: (any RewardMeasure)?
  private var tally = BatchTally()
  var queue = BatchQueue()
  private(set) var recent = RecentInputs()
  /// Inputs of the batch that waits for the adapter, and of the one that it learned from last.
  private var waiting = RecentInputs()
  private var learned: [[Float]] = []

  /// Inputs that the fidelity loss is taken over, at the most: each costs a test run in the kernel.
  static let comparedLimit = 1_024
  /// Of the last ones, when it is taken over them.
  static let recentCompared = 256

  init(maker: CandidateMaker, ranges: [ClosedRange<Double>], measure: (any RewardMeasure)?) {
    self.maker = maker
    self.ranges = ranges
    self.measure = measure
  }

  /// Of each sample that has one; it counts in the statistics.
  mutating func rewards(of batch: Batch) -> [RewardSample] {
    let rewards = measure?.rewards(of: batch.samples) ?? []
    tally.add(batch, rewards: rewards)
    return rewards
  }

  /// Rewards of earlier samples, which are known only now.
  mutating func note(_ rewards: [RewardSample]) { tally.add(Batch(), rewards: rewards) }

  /// Takes samples in to learn from; the inputs of the last ones as the adapter is to see them.
  mutating func take(_ batch: Batch) -> [[Float]] {
    let inputs = batch.samples.suffix(recent.limit).map {
      maker.shown(Batch.natural($0.features, bits: batch.featureFractionBits))
    }
    recent.append(inputs)
    waiting.append(inputs)
    queue.append(batch)
    return inputs
  }

  /// The adapter has what waited.
  mutating func noteTaken() {
    learned = waiting.all
    waiting = RecentInputs(limit: Self.comparedLimit)
  }

  /// The inputs over which the tuned network is held against the kernel's.
  func compared(_ over: GateSettings.Necessity.Inputs) -> [[Float]] {
    switch over {
    case .batch: learned
    case .recent: recent.chosen(Self.recentCompared)
    }
  }

  /// How far the shadow's answers are from the active snapshot's, as parts of the output's range.
  func shadowDifferences(_ batch: Batch) -> [Double] {
    batch.samples.compactMap { sample in
      guard let shadow = sample.shadowOutputs, shadow.count == ranges.count,
        sample.outputs.count == ranges.count
      else { return nil }
      let bits = batch.outputFractionBits
      return FidelityLoss.difference(
        Batch.natural(sample.outputs, bits: bits), Batch.natural(shadow, bits: bits), ranges)
    }
  }

  /// The record of about a second, when one is over.
  mutating func statistics(at now: Duration) -> BatchStatistics? {
    tally.finish(at: now, discarded: queue.discarded)
  }

  /// What was of another attachment.
  mutating func forgetInputs() {
    (recent, waiting, learned) = (RecentInputs(), RecentInputs(limit: Self.comparedLimit), [])
  }
}
