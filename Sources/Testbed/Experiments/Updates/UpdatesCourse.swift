import Foundation
import MedullaBase
import MedullaCompile
import MedullaDatapath
import TestbedLink
import TestbedMeasures
import TestbedWorkload

/// The phases of the experiment `updates` over a link whose flows run already.
struct UpdatesCourse {
  private static let second = 1.0

  let plan: StudyPlan
  let instance: ExperimentInstance
  let link: LinkEmulator
  let snapshots: [DatapathSnapshot]
  private(set) var next = 1
  private(set) var clock = DecisionClock()

  /// One phase: looks at the counts every second, and in an updating phase replaces snapshots at the plan's
  /// pace.
  mutating func run(updating: Bool) throws -> Reading {
    let (length, wanted) = (Updates.phaseSeconds(plan), Updates.updatesPerPhase(plan))
    var (made, waits, realTime) = (0, 0, 0)
    var (decisions, promotions): ([Double], [Double]) = ([], [])
    let before = try SocketTotals(link.client)
    _ = try lookAtDecisions()
    let begin = ContinuousClock.now
    var (nextLook, nextUpdate) = (Self.second, 0.0)
    while true {
      let passed = (ContinuousClock.now - begin).inSeconds
      if passed >= nextLook {
        if let seen = try lookAtDecisions() { decisions.append(seen.mean) }
        nextLook += Self.second
      }
      if passed >= length, !updating || made >= wanted { break }
      guard passed < 10 * length else { throw Self.stuck }
      if updating, made < wanted, passed >= nextUpdate {
        if let promotion = try replace() {
          promotions.append(promotion.took.inSeconds * 1000)
          realTime += promotion.isRealTime ? 1 : 0
          made += 1
        } else {
          waits += 1
        }
        // What a busy machine delays is not made up for: a slot's grace counts from the update before.
        nextUpdate = passed + 1 / plan[Updates.pace]
      }
      try Interruption.sleep(.milliseconds(5))
    }
    let after = try SocketTotals(link.client)
    try link.beginWindow()
    let seconds = after.seconds(since: before)
    let bits = Double(after.acknowledgedBytes - before.acknowledgedBytes) * 8
    var reading = Reading([
      Updates.made: Double(made), Updates.waits: Double(waits), Updates.realTime: Double(realTime),
      Updates.perMinute: Double(after.retransmits - before.retransmits) * 60 / seconds,
      Updates.decision: decisions.isEmpty ? nil : Statistics.mean(decisions),
      Updates.tail: decisions.isEmpty ? nil : Statistics.quantile(decisions, 0.99),
      FlowMetrics.goodput: bits / seconds / 1e6,
    ])
    reading.series = [Updates.decisionSeries: decisions, Updates.promotionSeries: promotions]
    return reading
  }

  private static let stuck = TestbedError(
    .timedOut, "The updates of a phase took ten times as long as planned.",
    remedy: "Look at `medulla status`: do the slots keep their flows?")

  /// Puts in the next snapshot; how long the call took that made it active, and whether at real-time
  /// priority; nil while no slot is free.
  private mutating func replace() throws -> (took: Duration, isRealTime: Bool)? {
    do {
      try Instance(instance.name).stage(snapshots[next % snapshots.count])
    } catch let error as DatapathError where error.code == .noFreeSlot {
      return nil
    }
    next += 1
    let turn = RealTimeTurn()
    defer { turn.end() }
    let took = try ContinuousClock().measure { try Instance(instance.name).promote() }
    return (took, turn.isRealTime)
  }

  private mutating func lookAtDecisions() throws -> (count: Int, mean: Double)? {
    clock.advance(
      try instance.status().slots.map { ($0.version, $0.inferences, $0.nanosecondsPerInference) })
  }
}

/// What the client's sockets towards the server have done since they were opened, by `ss`.
struct SocketTotals {
  let timeNanoseconds: UInt64
  let retransmits: Int
  let acknowledgedBytes: Int

  init(_ namespace: NetworkNamespace) throws {
    let samples = try SocketSample.read(namespace, within: .seconds(30))
    timeNanoseconds = MonotonicClock.nanoseconds
    retransmits = samples.reduce(0) { $0 + $1.retransmits }
    acknowledgedBytes = samples.reduce(0) { $0 + $1.acknowledgedBytes }
  }

  func seconds(since earlier: SocketTotals) -> Double {
    Double(timeNanoseconds &- earlier.timeNanoseconds) / 1e9
  }
}
