/// A function's slow path at one moment: the row of `medulla top`.
public struct RunnerState: Sendable, Equatable, Codable {
  /// What the loop is at.
  public enum Phase: String, Sendable, Equatable, Codable, CaseIterable {
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

  public var name: String
  /// The adapter, as the configuration calls it.
  public var adapter: String
  public var isRunning: Bool
  public var isPaused: Bool
  public var phase: Phase
  /// Of the active snapshot; nil before the fast path has told.
  public var activeVersion: UInt64?
  /// Of the staged or watched one.
  public var candidateVersion: UInt64?

  /// Intervals that the loop has been through since the start, with samples or with an error:
  /// what stands still when the loop hangs.
  public var ticks: UInt64
  /// Batches and samples since the start.
  public var batches: UInt64
  public var samples: UInt64
  public var samplesPerSecond: Double
  /// Samples that the kernel dropped since the start: its ring was full.
  public var dropped: UInt64
  /// Samples that were drained but not learned from: the adapter is slower than they come.
  public var discarded: UInt64
  /// Samples that wait for the adapter.
  public var queued: Int

  public var rounds: UInt64
  public var failures: UInt64
  public var lastFailure: String?
  /// The adapter's last value, and how long its last round took.
  public var stability: Double?
  public var roundSeconds: Double?
  /// The last word of each gate that has been asked, in the order in which they are asked.
  public var gates: [GateDecision]
  /// Mean reward of the last second with samples; nil when the function has no measure.
  public var reward: Double?

  public var promotions: UInt64
  public var rollbacks: UInt64
  /// Seconds until the next update may be tried.
  public var waitSeconds: Double?

  public init(name: String, adapter: String) {
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
    promotions = 0
    rollbacks = 0
  }

  enum CodingKeys: String, CodingKey {
    case name, adapter, phase, ticks, batches, samples, dropped, discarded, queued, rounds, failures
    case stability, gates
    case reward, promotions, rollbacks
    case isRunning = "running"
    case isPaused = "paused"
    case activeVersion = "active_version"
    case candidateVersion = "candidate_version"
    case samplesPerSecond = "samples_per_second"
    case lastFailure = "last_failure"
    case roundSeconds = "round_seconds"
    case waitSeconds = "wait_seconds"
  }
}
