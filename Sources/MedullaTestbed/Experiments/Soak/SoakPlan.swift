/// How long the experiment `soak` goes on, with which flows and which disturbances.
public struct SoakPlan: Codable, Equatable, Sendable {
  /// Seconds in which the daemon is killed, and in which it lives on after them: in a minute it only fills
  /// its caches, among which a leak would not show.
  public var seconds = 1_800
  public var aloneSeconds = 360
  /// Seconds between two flows.
  public var flowInterval = 0.05
  public var flowBytes = 20_000...1_000_000
  public var rateMbps = 100.0
  public var rttMilliseconds = 10.0
  public var bufferBdp = 4.0
  /// Seconds between two kills of the daemon.
  public var killEvery = 60.0
  /// Chance that the adapter crashes in one round of learning.
  public var crashChance = 0.02
  /// Seconds between two looks at memory and counts.
  public var lookEvery = 5.0
  public var slowPath: SlowPath.Settings
  public var seed: UInt64 = 1

  /// The watch's window.
  static let watchSeconds = 2.0

  public init() {
    slowPath = SlowPath.Settings()
    slowPath.consistency = true
    slowPath.gates = [
      "stability = { window = 3, range = 0.5 }", "necessity = { statistic = \"mean\", alpha = 0.001 }",
      "accuracy = { max_error = 0.05 }", "update_interval = \"5s\"",
    ]
    // A shadow of a second or so, so that some kills leave one behind.
    slowPath.shadow = ["every = 1", "decisions = 10", "limit = \"5s\""]
    slowPath.watch = ["window = \"\(Int(Self.watchSeconds))s\"", "loss = 0.5"]
  }

  public static var quick: SoakPlan {
    var plan = SoakPlan()
    plan.seconds = 60
    plan.aloneSeconds = 0
    plan.killEvery = 15
    return plan
  }

  /// At least the half hour, with its flows and kills.
  public var isComplete: Bool {
    seconds >= 1_800 && aloneSeconds >= 360 && flowInterval <= 0.05 && killEvery <= 60 && crashChance > 0
  }

  /// Flows that begin in all.
  public var flows: Int { Int(Double(seconds + aloneSeconds) / flowInterval) }

  public var cell: LinkCell {
    LinkCell(
      part: .steady, rateMbps: rateMbps, rttMilliseconds: rttMilliseconds, bufferBdp: bufferBdp, loss: 0,
      flows: 1)
  }

  /// Throws `badParameter` for a plan that cannot be run.
  public func validate() throws {
    guard (5...864_000).contains(seconds), (0...86_400).contains(aloneSeconds), flowInterval >= 0.001,
      flowInterval <= 60,
      flowBytes.lowerBound >= 1, flowBytes.upperBound <= 1 << 30, killEvery >= 2, lookEvery >= 0.5,
      (0...1).contains(crashChance)
    else {
      throw TestbedError(
        .badParameter, "The plan of the soak is out of range.",
        remedy: "Use 5 s to ten days, a flow each millisecond at most, and a kill each two seconds at most.")
    }
    try cell.link(seed: seed).validate()
  }
}

/// One look at the machine during the soak.
public struct SoakLook: Codable, Equatable, Sendable {
  public var time: Double
  public var flows: ShortFlows.Counts
  /// Flows that slots hold, and that ever took one, as the kernel counts.
  public var held: Int
  public var taken: Int
  /// Version of the active snapshot, and decisions that were sampled.
  public var version: Int
  public var samples: Int
  public var samplesDropped: Int
  /// Resident memory of the daemon, and the kernel's own (slabs and what maps and programs take), in bytes.
  public var daemonBytes: Int?
  public var kernelBytes: Int
  /// Kills of the daemon so far.
  public var kills: Int

  public var line: String {
    "\(decimal(time, 0)) s: \(flows.completed) of \(flows.begun) flows complete, \(flows.broken) broken, "
      + "\(held) held, version \(version), daemon "
      + "\(daemonBytes.map { decimal(Double($0) / 1_048_576, 1) } ?? "-") MiB, "
      + "kernel \(decimal(Double(kernelBytes) / 1_048_576, 1)) MiB, \(kills) kills"
  }
}
