import Foundation
import MedullaBase
import MedullaLearning
import MedullaSnapshot
import TestbedLink
import TestbedMeasures

/// The same network and the same controller in the packet-level simulator, through the reference interpreter:
/// what a machine without root or without the kernel's features can show.
package struct SimulatedDemo {
  private static let step = 0.1

  private let plan: DemoPlan
  private let tell: (String) -> Void

  package init(_ plan: DemoPlan = DemoPlan(), tell: @escaping (String) -> Void) {
    self.plan = plan
    self.tell = tell
  }

  /// - Parameter reason: why it is not the kernel, in a sentence.
  package func run(_ network: ShippedNetwork, reason: String) throws -> DemoOutcome {
    tell("Simulating \(plan.cell.label) for \(plan.seconds) s with the reference interpreter.")
    let run = try alone(network.first)
    tell("Simulating \(plan.rival) beside it from \(plan.rivalFrom) to \(plan.rivalUntil) s.")
    let beside = try besideRival(network.first)
    tell("Simulating a second flow that takes a new snapshot after \(plan.swapAt) s.")
    let swap = try together(network)
    return DemoOutcome(
      plan: plan, host: HostFacts.read(), datapath: "simulator", reason: reason, runs: [run],
      beside: beside, swap: swap,
      inference: nil)
  }

  private func scenario(starts: [Double]) -> LinkScenario {
    LinkScenario(
      rate: plan.rateMbps * 1e6, bufferBytes: plan.cell.bufferBytes,
      flows: starts.map { .init(start: $0, roundTrip: plan.rttMilliseconds / 1000) })
  }

  private func alone(_ snapshot: Snapshot) throws -> DemoOutcome.Run {
    let clock = InferenceClock(ReferenceInterpreter(snapshot))
    let simulator = try CongestionSimulator(
      scenario(starts: [0]), configuration: AuroraEvaluation.configuration()
    ) { _, features in clock.action(features) }
    var rate: [TimedValue] = []
    var rtt: [TimedValue] = []
    var before = simulator.counts(of: 0)
    var steady: (packets: Int64, waited: Double, accepted: Int64) = (0, 0, 0)
    for index in 1...Int((Double(plan.seconds) / Self.step).rounded()) {
      let time = Double(index) * Self.step
      simulator.run(until: time)
      let counts = simulator.counts(of: 0)
      let delivered = megabits(counts.delivered - before.delivered, simulator)
      rate.append(TimedValue(time - Self.step / 2, delivered / Self.step))
      let samples = counts.rttSamples - before.rttSamples
      if samples > 0 { rtt.append(TimedValue(time, (counts.rttSum - before.rttSum) / samples * 1000)) }
      if index == Int((Double(plan.warmUp) / Self.step).rounded()) {
        let link = simulator.linkCounts
        steady = (counts.delivered, link.waited, link.accepted)
      }
      before = counts
    }
    let link = simulator.linkCounts
    let late = rtt.filter { $0.time >= Double(plan.warmUp) }.map(\.value)
    let measured = Double(plan.seconds - plan.warmUp)
    let wait = (link.waited - steady.waited) / Double(max(1, link.accepted - steady.accepted))
    return DemoOutcome.Run(
      congestion: "medulla (simulated)",
      goodputMbps: megabits(before.delivered - steady.packets, simulator) / measured,
      rttMeanMs: Statistics.mean(late), rttP95Ms: Statistics.quantile(late, 0.95),
      queueingDelayMeanMs: wait * 1000, retransmits: Int(before.lost),
      nsPerInference: clock.meanNanoseconds, nsPerInferenceLeast: clock.leastNanoseconds, rate: rate,
      rtt: rtt, fellBehind: false)
  }

  private func besideRival(_ snapshot: Snapshot) throws -> DemoOutcome.Beside? {
    guard let sender = LinkScenario.Sender(rawValue: plan.rival) else { return nil }
    var link = scenario(starts: [0, Double(plan.rivalFrom)])
    link.flows[1].sender = sender
    link.flows[1].end = Double(plan.rivalUntil)
    let clock = InferenceClock(ReferenceInterpreter(snapshot))
    let simulator = try CongestionSimulator(link, configuration: AuroraEvaluation.configuration()) {
      _, features in clock.action(features)
    }
    var series: [[TimedValue]] = [[], []]
    var queue: [TimedValue] = []
    var (seen, last) = ([Int64](repeating: 0, count: 2), simulator.linkCounts)
    for index in 1...Int((Double(plan.besideSeconds) / Self.step).rounded()) {
      let time = Double(index) * Self.step
      simulator.run(until: time)
      for flow in 0...1 {
        let delivered = simulator.counts(of: flow).delivered
        series[flow].append(
          TimedValue(time - Self.step / 2, megabits(delivered - seen[flow], simulator) / Self.step))
        seen[flow] = delivered
      }
      let counts = simulator.linkCounts
      let accepted = Double(max(counts.accepted - last.accepted, 1))
      queue.append(TimedValue(time - Self.step / 2, (counts.waited - last.waited) / accepted * 1000))
      last = counts
    }
    func mean(_ values: [TimedValue], _ from: Int, _ until: Int) -> Double {
      Statistics.mean(
        values.filter { $0.time >= Double(from) && $0.time < Double(until) }.map(\.value))
    }
    let (settled, gone) = (plan.rivalFrom + plan.rivalSettled, plan.rivalUntil + 4)
    return DemoOutcome.Beside(
      rival: plan.rival, from: Double(plan.rivalFrom), until: Double(plan.rivalUntil),
      ownMbps: mean(series[0], settled, plan.rivalUntil),
      rivalMbps: mean(series[1], settled, plan.rivalUntil),
      afterMbps: mean(series[0], gone, plan.besideSeconds),
      queueBeforeMs: mean(queue, plan.rivalFrom / 2, plan.rivalFrom),
      queueBesideMs: mean(queue, settled, plan.rivalUntil),
      queueAfterMs: mean(queue, gone, plan.besideSeconds), own: series[0],
      other: series[1].filter {
        $0.time > Double(plan.rivalFrom) && $0.time < Double(plan.rivalUntil)
      }, fellBehind: false)
  }

  private func together(_ network: ShippedNetwork) throws -> DemoOutcome.Swap {
    let starts = [0, Double(plan.secondFlowAt)]
    // As in the kernel, a flow keeps the snapshot that was active when it first asked.
    let clocks = [network.first, network.second].map { InferenceClock(ReferenceInterpreter($0)) }
    let simulator = try CongestionSimulator(
      scenario(starts: starts), configuration: AuroraEvaluation.configuration()
    ) { flow, features in clocks[flow].action(features) }
    var series: [[TimedValue]] = [[], []]
    var seen = starts.indices.map { simulator.counts(of: $0).delivered }
    var before: [DemoSlot] = []
    let swapStep = Int((Double(plan.swapAt) / Self.step).rounded())
    for index in 1...Int((Double(plan.swapSeconds) / Self.step).rounded()) {
      let time = Double(index) * Self.step
      simulator.run(until: time)
      if index == swapStep { before = [try slot(network.first, clocks[0], index: 0, flows: 1)] }
      for flow in starts.indices {
        let delivered = simulator.counts(of: flow).delivered
        if time > starts[flow] {
          let rate = megabits(delivered - seen[flow], simulator) / Self.step
          series[flow].append(TimedValue(time - Self.step / 2, rate))
        }
        seen[flow] = delivered
      }
    }
    let after = [
      try slot(network.first, clocks[0], index: 0, flows: 1),
      try slot(network.second, clocks[1], index: 1, flows: 1),
    ]
    return DemoOutcome.Swap(
      time: Double(plan.swapAt), secondFlowTime: starts[1], milliseconds: 0, before: before, after: after,
      first: series[0], second: series[1],
      retransmits: starts.indices.reduce(0) { $0 + Int(simulator.counts(of: $1).lost) })
  }

  private func slot(
    _ snapshot: Snapshot, _ clock: InferenceClock, index: Int, flows: Int
  ) throws -> DemoSlot {
    DemoSlot(
      index: index, version: index + 1, digest: try SnapshotFile(snapshot).digest,
      name: index == 0 ? "congestion" : "congestion, calibrated anew", state: "simulated", flows: flows,
      inferences: clock.count, nanosecondsPerInference: clock.meanNanoseconds,
      leastNanoseconds: clock.leastNanoseconds)
  }

  private func megabits(_ packets: Int64, _ simulator: CongestionSimulator) -> Double {
    Double(packets) * Double(simulator.scenario.payloadBytes) * 8 / 1e6
  }
}

/// A snapshot in the reference interpreter that counts its inferences and their time. For one thread.
private final class InferenceClock {
  private let interpreter: ReferenceInterpreter
  private let inputs: Int
  private(set) var count = 0
  private var nanoseconds: UInt64 = 0
  private var least: UInt64?

  init(_ interpreter: ReferenceInterpreter) {
    self.interpreter = interpreter
    inputs = interpreter.snapshot.shape.inputs
  }

  var leastNanoseconds: Double? { least.map { Double($0) } }
  var meanNanoseconds: Double? { count > 0 ? Double(nanoseconds) / Double(count) : nil }

  func action(_ features: UnsafePointer<Int64>) -> SteeringOutputs {
    let start = MonotonicClock.nanoseconds
    let outputs = interpreter.run(features: Array(UnsafeBufferPointer(start: features, count: inputs)))
    let took = MonotonicClock.nanoseconds - start
    nanoseconds += took
    least = min(least ?? took, took)
    count += 1
    return SteeringOutputs(outputs)
  }
}
