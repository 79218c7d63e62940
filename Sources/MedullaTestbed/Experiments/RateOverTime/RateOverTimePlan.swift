/// One flow over a slow link, as the experiment `fig2` sees it.
public struct RateOverTimePlan: ExperimentPlan {
  public var schemes = SteeringScheme.list("user-100ms", "user-10ms", "user-2500us", "medulla")
  public var rateMbps = 12.0
  public var rttMs = 20.0
  public var bufferBytes = 60_000
  /// UDP that comes and goes, so that there is congestion to react to: its rate, its seconds of sending and
  /// of silence; a rate of 0: none.
  public var backgroundMbps = 6.0
  public var backgroundOn = 3.0
  public var backgroundOff = 3.0
  public var seconds = 15
  public var warmUp = 3
  /// Width of a value of ingress and egress.
  public var binMs = 50.0
  public var repeats = 3
  public var seed: UInt64 = 1

  public init() {}

  public static var quick: RateOverTimePlan {
    var plan = RateOverTimePlan()
    (plan.seconds, plan.warmUp, plan.repeats) = (8, 2, 1)
    return plan
  }

  public var isComplete: Bool {
    let full = RateOverTimePlan()
    return full.schemes.allSatisfy(schemes.contains) && rateMbps == full.rateMbps && rttMs == full.rttMs
      && backgroundMbps == full.backgroundMbps && backgroundOn == full.backgroundOn
      && backgroundOff == full.backgroundOff && repeats >= full.repeats
      && seconds - warmUp >= full.seconds - full.warmUp
  }

  public var runCount: Int { schemes.count * repeats }

  public func validate() throws {
    try require(
      !schemes.isEmpty && (2...3600).contains(seconds) && (0..<seconds).contains(warmUp)
        && (1...100).contains(repeats) && (10...10_000).contains(binMs),
      "The plan's times or repeats are out of range.",
      remedy: "Use 2 to 3600 seconds, a shorter warm-up, bins of 10 to 10,000 ms and 1 to 100 repeats.")
    try require(
      (0..<rateMbps).contains(backgroundMbps) && backgroundOn > 0 && backgroundOff > 0,
      "The background leaves nothing of the link, or has no pauses.",
      remedy: "Use less than \(decimal(rateMbps, 0)) Mbit/s, and seconds above 0.")
    try trial(round: 0).link.validate()
  }

  func trial(round: Int) -> FlowTrial {
    let delay = UInt64(max(rttMs, 0) * 1e6 / 2)
    var link = LinkConfiguration(
      forward: PathConfiguration(
        bitsPerSecond: rateMbps * 1e6, delayNanoseconds: delay, bufferBytes: bufferBytes),
      backward: PathConfiguration(delayNanoseconds: delay), seed: seed &+ UInt64(round))
    link.binNanoseconds = UInt64(binMs * 1e6)
    return FlowTrial(
      link: link, seconds: seconds, warmUp: warmUp,
      background: .init(bitsPerSecond: backgroundMbps * 1e6, on: backgroundOn, off: backgroundOff))
  }
}

/// What one flow sent into the bottleneck and what came out of it, over time.
public struct RateOverTimeRun: ExperimentRun {
  public var measures: FlowMeasures
  /// Rates of IP packets, the background's included, from the flow's beginning on, one value for each bin.
  public var ingressMbps: [Double]
  public var egressMbps: [Double]
  /// After the warm-up: what left the bottleneck over its rate, and the root mean square of ingress less rate
  /// over the rate.
  public var utilization: Double
  public var ingressError: Double

  public var line: String {
    measures.line + ", utilization \(decimal(utilization * 100, 1))%, ingress off by "
      + "\(decimal(ingressError * 100, 1))%"
  }
}
