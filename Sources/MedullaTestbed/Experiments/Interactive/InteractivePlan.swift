/// What the experiment `interactive` runs.
public struct InteractivePlan: ExperimentPlan {
  public var schemes = SteeringScheme.list("medulla", "cubic", "bbr")
  public var rateMbps = 50.0
  public var rttMs = 30.0
  public var bufferBdp = 4.0
  /// Connections that ask, and what they ask for.
  public var connections = 10
  public var requestBytes = 200
  public var answerBytes = 10_000
  /// Mean of the times between an answer and the next request, drawn from an exponential distribution.
  public var thinkSeconds = 0.2
  public var bulkFlows = 1
  public var onOffFlows = 2
  /// Means of the times of a burst and of a pause, drawn likewise.
  public var onSeconds = 1.0
  public var offSeconds = 2.0
  /// Seconds in which only the requests are there.
  public var aloneSeconds = 5
  /// Seconds beside the other flows, of which the warm-up does not count.
  public var seconds = 40
  public var warmUp = 10
  public var repeats = 5
  public var seed: UInt64 = 1

  public init() {}

  public static var quick: InteractivePlan {
    var plan = InteractivePlan()
    plan.schemes = SteeringScheme.list("medulla", "cubic")
    (plan.aloneSeconds, plan.seconds, plan.warmUp, plan.repeats) = (2, 11, 3, 1)
    return plan
  }

  public var runCount: Int { schemes.count * repeats }

  public var isComplete: Bool {
    let full = InteractivePlan()
    var same = self
    (same.schemes, same.seed, same.repeats) = (full.schemes, full.seed, full.repeats)
    (same.aloneSeconds, same.seconds, same.warmUp) = (full.aloneSeconds, full.seconds, full.warmUp)
    return same == full && full.schemes.allSatisfy(schemes.contains) && repeats >= full.repeats
      && aloneSeconds >= full.aloneSeconds && warmUp >= full.warmUp
      && seconds - warmUp >= full.seconds - full.warmUp
  }

  public func validate() throws {
    try require(
      !schemes.isEmpty && (1...100).contains(repeats) && (1...3600).contains(aloneSeconds)
        && (2...3600).contains(seconds) && (0..<seconds).contains(warmUp) && (1...100).contains(bulkFlows)
        && bufferBdp > 0 && bufferBdp <= 100, "The plan's flows, times or repeats are out of range.",
      remedy: "Use 1 to 100 bulk flows, a shorter warm-up and 1 to 100 repeats.")
    try requests("cubic", round: 0).validate()
    try onOff("cubic", round: 0).validate()
    try link(round: 0).validate()
  }

  /// The way to the client has the bottleneck: there go the answers and all other data.
  func link(round: Int) -> LinkConfiguration {
    let cell = LinkCell(
      part: .steady, rateMbps: rateMbps, rttMilliseconds: rttMs, bufferBdp: bufferBdp, loss: 0, flows: 1)
    var link = cell.link(seed: seed &+ UInt64(round))
    (link.forward, link.backward) = (link.backward, link.forward)
    return link
  }

  func requests(_ congestion: String, round: Int) -> RequestResponse.Plan {
    var plan = RequestResponse.Plan(congestion: congestion)
    (plan.connections, plan.requestBytes, plan.answerBytes) = (connections, requestBytes, answerBytes)
    plan.think = .exponential(mean: thinkSeconds)
    plan.seed = seed &+ UInt64(round)
    return plan
  }

  func onOff(_ congestion: String, round: Int) -> OnOffFlows.Plan {
    var plan = OnOffFlows.Plan(congestion: congestion)
    (plan.flows, plan.sender) = (onOffFlows, .server)
    (plan.on, plan.off) = (.exponential(mean: onSeconds), .exponential(mean: offSeconds))
    plan.seed = seed &+ UInt64(round)
    return plan
  }
}
