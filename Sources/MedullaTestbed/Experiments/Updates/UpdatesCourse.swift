import Foundation
import MedullaDatapath

/// The phases of the experiment `updates` over a link whose flows run already.
struct UpdatesCourse {
  private static let second = 1.0

  let plan: UpdatesPlan
  let instance: ExperimentInstance
  let link: LinkEmulator
  let snapshots: [DatapathSnapshot]
  private var next = 1
  private var clock = DecisionClock()

  init(plan: UpdatesPlan, instance: ExperimentInstance, link: LinkEmulator, snapshots: [DatapathSnapshot]) {
    self.plan = plan
    self.instance = instance
    self.link = link
    self.snapshots = snapshots
  }

  /// One phase: looks at the counts every second, and in an updating phase replaces snapshots at the plan's
  /// pace.
  mutating func run(_ index: Int, updating: Bool) throws -> UpdatesPhase {
    var phase = UpdatesPhase(
      index: index, updating: updating, seconds: 0, updates: 0, waits: 0, retransmits: 0, dropped: 0,
      goodputMbps: 0,
      queueingDelayMeanMs: 0, decisions: 0, decisionNs: [], promotionMs: [], fellBehind: false)
    let before = try SocketTotals(link.client)
    _ = try lookAtDecisions()
    let begin = ContinuousClock.now
    var nextLook = Self.second
    var nextUpdate = 0.0
    while true {
      let passed = (ContinuousClock.now - begin).inSeconds
      if passed >= nextLook {
        if let seen = try lookAtDecisions() {
          phase.decisions += seen.count
          phase.decisionNs.append(seen.mean)
        }
        nextLook += Self.second
      }
      if passed >= plan.phaseSeconds, !updating || phase.updates >= plan.updatesPerPhase { break }
      guard passed < 10 * plan.phaseSeconds else { throw Self.stuck }
      if updating, phase.updates < plan.updatesPerPhase, passed >= nextUpdate {
        if let promotion = try replace() {
          phase.promotionMs.append(promotion.took.inSeconds * 1000)
          phase.realTimePromotions += promotion.isRealTime ? 1 : 0
          phase.updates += 1
        } else {
          phase.waits += 1
        }
        // What a busy machine delays is not made up for: a slot's grace counts from the update before.
        nextUpdate = passed + 1 / plan.updatesPerSecond
      }
      try Interruption.sleep(.milliseconds(5))
    }
    let after = try SocketTotals(link.client)
    try link.beginWindow()
    phase.seconds = after.seconds(since: before)
    phase.retransmits = after.retransmits - before.retransmits
    phase.goodputMbps = Double(after.acknowledgedBytes - before.acknowledgedBytes) * 8 / phase.seconds / 1e6
    return phase
  }

  private static let stuck = TestbedError(
    .timedOut, "The updates of a phase took ten times as long as planned.",
    remedy: "Look at `medulla status`: do the slots keep their flows?")

  /// Puts in the next snapshot; how long the call took that made it active, and whether at real-time
  /// priority; nil while no slot is free.
  private mutating func replace() throws -> (took: Duration, isRealTime: Bool)? {
    do {
      try CongestionControl.stage(name: instance.name, snapshot: snapshots[next % snapshots.count])
    } catch let error as DatapathError where error.code == .noFreeSlot {
      return nil
    }
    next += 1
    let turn = RealTimeTurn()
    defer { turn.end() }
    let took = try ContinuousClock().measure { try CongestionControl.promote(name: instance.name) }
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
    let outcome = try ChildProcess.run([
      "ss", "-N", namespace.name, "-tinH", "dst", LinkEmulator.Address.server,
    ])
    timeNanoseconds = monotonicNanoseconds()
    let samples = SocketSample.parse(outcome.outputText, at: timeNanoseconds)
    retransmits = samples.reduce(0) { $0 + $1.retransmits }
    acknowledgedBytes = samples.reduce(0) { $0 + $1.acknowledgedBytes }
  }

  func seconds(since earlier: SocketTotals) -> Double {
    Double(timeNanoseconds &- earlier.timeNanoseconds) / 1e9
  }
}
