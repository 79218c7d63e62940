/// A bottleneck with traffic that does not yield, and who steers one flow over it: the setting of the
/// experiments `fig1` and `fig11`.
public struct CongestedPathPlan: ExperimentPlan {
  public var schemes = SteeringScheme.list(
    "medulla", "user-ack", "user-1ms", "user-10ms", "user-100ms", "onnx-ack", "onnx-100ms", "cubic", "bbr")
  public var rateMbps = 1000.0
  public var rttMs = 10.0
  public var bufferBytes = 150_000
  public var backgroundMbps = 100.0
  /// Seconds of background and of silence, in turn; 0: without a pause.
  public var backgroundOn = 0.0
  public var backgroundOff = 0.0
  public var seconds = 13
  public var warmUp = 3
  public var repeats = 10
  public var seed: UInt64 = 1

  public init() {}

  public static var quick: CongestedPathPlan {
    var plan = CongestedPathPlan()
    plan.schemes = SteeringScheme.list("medulla", "user-10ms", "user-100ms")
    (plan.seconds, plan.warmUp, plan.repeats) = (6, 2, 1)
    return plan
  }

  public var isComplete: Bool { covers(CongestedPathPlan()) }

  func covers(_ full: CongestedPathPlan) -> Bool {
    full.schemes.allSatisfy(schemes.contains) && rateMbps == full.rateMbps && rttMs == full.rttMs
      && bufferBytes == full.bufferBytes && backgroundMbps == full.backgroundMbps && backgroundOff == 0
      && repeats >= full.repeats
      && seconds - warmUp >= full.seconds - full.warmUp && warmUp >= full.warmUp
  }

  public var runCount: Int { schemes.count * repeats }

  public func validate() throws {
    try require(
      !schemes.isEmpty && (2...3600).contains(seconds) && (0..<seconds).contains(warmUp)
        && (1...100).contains(repeats), "The plan's times or repeats are out of range.",
      remedy: "Use 2 to 3600 seconds, a shorter warm-up and 1 to 100 repeats.")
    try require(
      (0..<rateMbps).contains(backgroundMbps), "The background leaves nothing of the link.",
      remedy: "Use less than \(decimal(rateMbps, 0)) Mbit/s.")
    try link(round: 0).validate()
  }

  /// Half of the round trip each way; the bottleneck is on the way to the server.
  func link(round: Int) -> LinkConfiguration {
    let delay = UInt64(max(rttMs, 0) * 1e6 / 2)
    return LinkConfiguration(
      forward: PathConfiguration(
        bitsPerSecond: rateMbps * 1e6, delayNanoseconds: delay, bufferBytes: bufferBytes),
      backward: PathConfiguration(delayNanoseconds: delay), seed: seed &+ UInt64(round))
  }

  func trial(round: Int) -> FlowTrial {
    let pauses = backgroundOn > 0 && backgroundOff > 0
    return FlowTrial(
      link: link(round: round), seconds: seconds, warmUp: warmUp,
      background: .init(
        bitsPerSecond: backgroundMbps * 1e6, on: pauses ? backgroundOn : nil,
        off: pauses ? backgroundOff : nil))
  }

  /// Payload that the background leaves while it sends for a share of the time.
  func freeMbps(duty: Double) -> Double {
    (rateMbps - backgroundMbps * duty) * LinkCell.payloadBytes / LinkCell.packetBytes
  }
}
