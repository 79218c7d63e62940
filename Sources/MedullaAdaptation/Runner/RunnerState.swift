/// A function's slow path at one moment: the row of `medulla top`.
package struct RunnerState: Sendable, Equatable, Codable {
  /// What the loop is at.
  package enum Phase: String, Sendable, Equatable, Codable, CaseIterable {
    /// Waits for the gates to open.
    case learning
    /// Asks the kernel for the fidelity loss.
    case comparing
    /// Freezes and quantizes.
    case quantizing
    case staging
    /// The candidate infers beside the active snapshot.
    case shadowing
    case promoting
    /// A promoted snapshot is on trial.
    case watching
    case rollingBack = "rolling_back"
  }

  package var name: String
  /// The adapter, as the configuration calls it.
  package var adapter: String
  package var isRunning: Bool
  package var isPaused: Bool
  package var phase: Phase
  /// Of the active snapshot; nil before the fast path has told.
  package var activeVersion: UInt64?
  /// What someone else has put in place, and nothing replaces until `medulla resume`; nil: nothing.
  package var pinnedVersion: UInt64?
  /// Of the staged or watched one.
  package var candidateVersion: UInt64?

  /// Intervals that the loop has been through since the start, with samples or with an error:
  /// what stands still when the loop hangs.
  package var ticks: UInt64
  /// Batches and samples since the start.
  package var batches: UInt64
  package var samples: UInt64
  package var samplesPerSecond: Double
  /// Samples that the kernel dropped since the start: its ring was full.
  package var dropped: UInt64
  /// Samples that were drained but not learned from: the adapter is slower than they come.
  package var discarded: UInt64
  /// Samples that wait for the adapter.
  package var queued: Int

  package var rounds: UInt64
  package var failures: UInt64
  package var lastFailure: String?
  /// The adapter's last value, and how long its last round took.
  package var stability: Double?
  package var roundSeconds: Double?
  /// The last word of each gate that has been asked, in the order in which they are asked.
  package var gates: [GateDecision]
  /// The last word of what stands before learning; nil where every batch is learned from.
  package var trigger: TriggerDecision?
  /// What labeling agents are at, where the adapter asks some.
  package var agents: [AgentReport]
  /// Mean reward of the last second with samples; nil when the function has no measure.
  package var reward: Double?

  package var promotions: UInt64
  package var rollbacks: UInt64
  /// Seconds until the next update may be tried.
  package var waitSeconds: Double?

  package init(name: String, adapter: String) {
    self.name = name
    self.adapter = adapter
    isRunning = false
    isPaused = false
    phase = .learning
    ticks = 0
    batches = 0
    samples = 0
    samplesPerSecond = 0
    dropped = 0
    discarded = 0
    queued = 0
    rounds = 0
    failures = 0
    gates = []
    agents = []
    promotions = 0
    rollbacks = 0
  }

  enum CodingKeys: String, CodingKey {
    case name, adapter, phase, ticks, batches, samples, dropped, discarded, queued, rounds, failures
    case stability, gates, trigger, agents
    case reward, promotions, rollbacks
    case isRunning = "running"
    case isPaused = "paused"
    case activeVersion = "active_version"
    case candidateVersion = "candidate_version"
    case pinnedVersion = "pinned_version"
    case samplesPerSecond = "samples_per_second"
    case lastFailure = "last_failure"
    case roundSeconds = "round_seconds"
    case waitSeconds = "wait_seconds"
  }
}

// What happened, counted.
extension RunnerState {
  mutating func note(_ batch: Batch) {
    batches += 1
    samples += UInt64(batch.samples.count)
    dropped += batch.dropped
  }

  mutating func note(_ statistics: BatchStatistics) {
    samplesPerSecond = Double(statistics.samples) / max(statistics.seconds, 1e-9)
    if let mean = statistics.rewardMean { reward = mean }
  }

  mutating func note(_ failure: LoopFailure) {
    failures += 1
    lastFailure = failure.line
  }

  mutating func noteRound(_ progress: Progress, samples: Int, seconds: Double) -> RoundProgress {
    rounds += 1
    stability = progress.stability
    agents = progress.agents
    roundSeconds = seconds
    return RoundProgress(
      round: rounds, samples: samples, seconds: seconds, stability: progress.stability,
      figures: progress.figures)
  }

  mutating func refresh(
    _ loop: AdaptationLoop, queue: BatchQueue, trigger: TriggerDecision?, at now: Duration
  ) {
    isPaused = loop.isPaused
    phase = loop.phase.name
    activeVersion = loop.activeVersion
    pinnedVersion = loop.pinned
    candidateVersion = loop.candidateVersion
    discarded = queue.discarded
    queued = queue.count
    gates = loop.gates.decisions
    self.trigger = trigger
    promotions = loop.promotions
    rollbacks = loop.rollbacks
    let wait = loop.spacing.wait(at: now)
    waitSeconds = wait > .zero ? wait.seconds : nil
  }
}
