import Foundation

/// The experiment `links`: a congestion control against others on a matrix of emulated links.
public struct LinkExperiment: Sendable {
  /// The result file.
  public struct Result: Codable, Sendable {
    public struct Environment: Codable, Sendable {
      public var host: HostFacts
      public var plan: LinkPlan
      public var method: String
    }
    public var experiment: String
    public var environment: Environment
    public var runs: [LinkRun]
    public var verdict: LinkVerdict
  }

  static let method = """
    iperf3 over two TUN devices in two network namespaces; bottleneck and droptail buffer on the way to the \
    server, half of the round trip each way. Share = goodput at the receiving program over 1448/1500 of the \
    rate, after the warm-up. Queueing delay = wait of each segment in the emulated queue before its own \
    service.
    """

  public let plan: LinkPlan

  public init(_ plan: LinkPlan) throws {
    try plan.validate()
    for part in plan.parts {
      for name in plan.congestions(for: part) { try CongestionControls.require(name) }
    }
    self.plan = plan
  }

  /// Runs every cell; `tell` hears each run as it ends.
  public func run(tell: (_ done: Int, _ of: Int, LinkRun) -> Void) throws -> Result {
    let order = plan.cells.flatMap { cell in
      (0..<plan.repeats).flatMap { round in
        plan.congestions(for: cell.part).map { (cell, $0, plan.seed &+ UInt64(round)) }
      }
    }
    var runs: [LinkRun] = []
    for (cell, congestion, seed) in order {
      let run = try LinkRun.measure(
        cell, congestion: congestion, seconds: plan.seconds(for: cell), warmUp: plan.warmUp(for: cell),
        seed: seed)
      runs.append(run)
      tell(runs.count, order.count, run)
    }
    return Result(
      experiment: "links",
      environment: .init(host: HostFacts.read(), plan: plan, method: Self.method), runs: runs,
      verdict: LinkVerdict(runs, congestion: plan.congestion, complete: plan.isComplete))
  }
}
