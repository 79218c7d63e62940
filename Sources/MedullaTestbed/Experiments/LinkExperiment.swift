import Foundation

/// The experiment `links`: a congestion control against others on a matrix of emulated links.
public struct LinkExperiment: Sendable {
  /// The result file.
  public typealias Result = ExperimentResult<LinkPlan, LinkRun, LinkVerdict>

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

  /// Runs every cell, and once more where the emulator fell behind; `tell` hears each run as it ends, with
  /// the result so far.
  public func run(tell: (_ done: Int, _ of: Int, LinkRun, Result) throws -> Void) throws -> Result {
    let order = plan.cells.flatMap { cell in
      (0..<plan.repeats).flatMap { round in
        plan.congestions(for: cell.part).map { (cell, $0, plan.seed &+ UInt64(round)) }
      }
    }
    var result = Result(
      "links", plan: plan, method: Self.method,
      verdict: LinkVerdict([], congestion: plan.congestion, complete: false))
    for (cell, congestion, seed) in order {
      let run = try LinkRun.steadied {
        try LinkRun.measure(
          cell, congestion: congestion, seconds: plan.seconds(for: cell), warmUp: plan.warmUp(for: cell),
          seed: seed)
      }
      result.runs.append(run)
      let complete = plan.isComplete && result.runs.count == order.count
      result.verdict = LinkVerdict(result.runs, congestion: plan.congestion, complete: complete)
      try tell(result.runs.count, order.count, run, result)
    }
    return result
  }
}
