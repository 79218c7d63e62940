import MedullaBase
import MedullaCompile
import MedullaCongestion
import MedullaDatapath
import TestbedLink
import TestbedMeasures
import TestbedReport
import TestbedWorkload

/// A thousand flows at one time: the study `flows`.
enum ManyFlows {
  private static let schemes = Common.schemes
  private static let flows = Axis(
    "flows", "flows", [100, 1000], in: 1...4_000, suffix: " flows", "Flows at once.")

  private static let share = Metric("share", "share of the capacity")
  private static let starved = Metric("starved", "flows without any data", places: 0)
  private static let held = Metric("held", "flows that the network holds", places: 0)
  private static let contended = Metric("contended", "inferences put off", places: 0)
  private static let stateless = Metric("stateless", "ACKs without memory for their flow", places: 0)
  private static let fairParts = "flow_over_fair"

  private static func measure(
    _ steering: Steering, _ count: Int, _ round: Int, _ plan: StudyPlan, _ executable: String
  ) throws -> Reading {
    try LinkEmulator.with(plan.cell.link(seed: plan.seed(round: round)), executable: executable) { link in
      try steering.prepare(link)
      let bulk = try BulkFlows(count: count, congestion: steering.congestion, over: link)
      defer { bulk.stop() }
      try Interruption.sleep(.seconds(plan.warmUp))
      try link.beginWindow()
      let (before, begin, meter) = (bulk.receivedBytes(), ContinuousClock.now, try ProcessorMeter())
      try Interruption.sleep(.seconds(plan.seconds - plan.warmUp))
      let (after, elapsed) = (bulk.receivedBytes(), (ContinuousClock.now - begin).inSeconds)
      let busy = try meter.read().busy
      try link.beginWindow()
      let slots = try steering.slots()
      let retransmits = bulk.retransmits()
      bulk.stop()
      let window = try link.stop().forward.measured()
      let rates = zip(before, after).map { Double($1 - $0) * 8 / elapsed / 1e6 }
      let (sum, capacity) = (rates.reduce(0, +), plan.cell.capacityMbps)
      var reading = Reading(
        [
          FlowMetrics.goodput: sum, share: sum / capacity, FlowMetrics.jain: Statistics.jain(rates),
          starved: Double(rates.filter { $0 <= 0 }.count), FlowMetrics.busy: busy,
          FlowMetrics.dropped: Double(window.droppedSegments), FlowMetrics.retransmits: Double(retransmits),
          held: slots.map { Double($0.held) }, FlowMetrics.inferences: slots.map { Double($0.inferences) },
          contended: slots.map { Double($0.contended) }, stateless: slots.map { Double($0.stateless) },
        ], faults: window.fellBehind ? [Reading.late] : [])
      reading.note(Percentiles(window.queueingDelay), FlowMetrics.queue)
      reading.series[fairParts] = (0...20).map {
        Statistics.quantile(rates, Double($0) / 20) * Double(count) / capacity
      }
      return reading
    }
  }

  static let study = Study(
    "flows", "A thousand flows at one time.",
    discussion:
      "400 Mbit/s, 40 ms: 1.3 packets a round trip for each. Needs root; 9 minutes, --quick half one.",
    method: """
      Bulk TCP flows by a sender and a receiver of this program over an emulated link; each flow's goodput \
      is what the receiver read after the warm-up. What the attached network holds and did is read from the \
      kernel.
      """,
    keys: [
      flows, schemes, Common.rateMbps.with(400), Common.rttMs.with(40), Common.bufferBdp,
      Common.seconds.with(40), Common.warmUp.with(15), Common.repeats,
    ],
    quick: { plan in
      (plan[flows], plan[schemes]) = ([1000], [.medulla])
      (plan[Common.seconds], plan[Common.warmUp], plan[Common.repeats]) = (14, 6, 1)
    }, cells: { [StudyCell].one.times(flows, $0).times(schemes, $0) },
    check: { try $0.cell.link(seed: 1).validate() },
    course: .trials(.shuffled) { plan, context in
      let network = try SteeringNetwork(models: context.models)
      return { cell, round in
        let steering = try Steering(cell[schemes], prefix: "many", network: network)
        try steering.start(prefix: "many")
        defer { steering.stop() }
        return try measure(steering, cell[flows], round, plan, context.executable)
      }
    },
    metrics: [
      FlowMetrics.goodput, share, FlowMetrics.jain, FlowMetrics.queue.mean, FlowMetrics.dropped,
      FlowMetrics.busy, held,
    ],
    figures: [
      Figure("most flows in kernel: share of the capacity") { runs in
        runs.estimate(share, [schemes("medulla"), flows(runs.plan[flows].max() ?? 0)])
      },
      .most("flows without any data, at most", starved, schemes("medulla")),
      .most("ACKs without memory for their flow, at most", stateless, schemes("medulla")),
      .most("inferences put off, at most", contended, schemes("medulla")),
    ],
    bounds: [
      Bound("most flows in kernel: share of the capacity", .atLeast(0.9), .ours, by: .interval),
      Bound("flows without any data, at most", .atMost(0), .ours),
      Bound("ACKs without memory for their flow, at most", .atMost(0), .ours),
    ],
    plots: [
      .distribution(
        "Goodput of single flows over their fair part", of: fairParts, x: PlotAxis("over the fair part")),
      .bars("Goodput of all flows", FlowMetrics.goodput, by: schemes.part),
    ])
}
