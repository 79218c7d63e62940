/// Batch intervals, flows and times of the experiment `fig14`.
public struct BatchIntervalPlan: Codable, Equatable, Sendable {
  /// As the configuration writes them.
  public var intervals = ["1ms", "10ms", "100ms", "1s", "10s"]
  /// The daemon's adapter; the cost of learning itself is its own and grows with nothing here.
  public var adapter = ["kind = \"simulator\"", "steps = 512"]
  public var flows = 10
  public var rateMbps = 200.0
  public var rttMilliseconds = 10.0
  public var bufferBdp = 2.0
  public var seconds = 10
  public var warmUp = 3
  public var repeats = 3
  public var seed: UInt64 = 1

  public init() {}

  public static var quick: BatchIntervalPlan {
    var plan = BatchIntervalPlan()
    plan.intervals = ["1ms", "100ms"]
    plan.seconds = 6
    plan.warmUp = 2
    plan.repeats = 1
    return plan
  }

  public var isComplete: Bool {
    let full = BatchIntervalPlan()
    return full.intervals.allSatisfy(intervals.contains) && flows >= full.flows && repeats >= 3
      && seconds - warmUp >= full.seconds - full.warmUp
  }

  public func cell(flows: Int) -> LinkCell {
    LinkCell(
      part: .fairness, rateMbps: rateMbps, rttMilliseconds: rttMilliseconds, bufferBdp: bufferBdp, loss: 0,
      flows: flows)
  }

  /// Throws `badParameter` for a plan that cannot be run.
  public func validate() throws {
    guard !intervals.isEmpty, intervals.count <= 20, (1...100).contains(flows), (3...600).contains(seconds),
      (0..<seconds).contains(warmUp), (1...50).contains(repeats)
    else {
      throw TestbedError(
        .badParameter, "The plan of batch intervals is out of range.",
        remedy: "Use 1 to 20 intervals, 1 to 100 flows and a warm-up shorter than the run.")
    }
    try cell(flows: flows).link(seed: seed).validate()
  }
}

/// What one batch interval cost and gave in one repetition.
public struct BatchIntervalRun: Codable, Equatable, Sendable {
  /// nil: no daemon.
  public var interval: String?
  public var repetition: Int
  /// Shares of all processors' time under the concurrent flows.
  public var softirqShare: Double
  public var busyShare: Double
  /// The daemon's own share, its threads and ended children.
  public var daemonShare: Double
  /// Of the concurrent flows together, and of one flow alone.
  public var concurrentMbps: Double
  public var singleMbps: Double
  /// Samples that the kernel wrote and dropped meanwhile, under the concurrent flows.
  public var samples: Int
  public var samplesDropped: Int
  public var fellBehind: Bool
  /// 2 when the emulator fell behind in a first run, whose figures are not kept.
  public var attempts = 1

  public var line: String {
    "T \((interval ?? "none").padding(6)) softirq \(decimal(softirqShare * 100, 2))%, "
      + "busy \(decimal(busyShare * 100, 1))%, daemon \(decimal(daemonShare * 100, 2))%, "
      + "one flow \(decimal(singleMbps, 1)) Mbit/s, all \(decimal(concurrentMbps, 1)), "
      + "\(samples) samples, \(samplesDropped) dropped"
  }
}
