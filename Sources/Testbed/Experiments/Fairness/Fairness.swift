import TestbedLink
import TestbedMeasures
import TestbedWorkload

/// Flows of the network among themselves, and against the kernel's own: the study `fairness`.
enum Fairness {
  private static let equal = Axis(
    "flows", "own", [2, 4, 8, 16], in: 1...64, suffix: " flows", "Equal flows.")
  private static let rivals = Axis(
    "rivals", "rival", SteeringScheme.list("cubic", "bbr"), mayBeEmpty: true, "Against whom.")
  private static let counts = Axis(
    "rival_flows", "rivals", [1, 4], in: 1...64, suffix: " of theirs", mayBeEmpty: true,
    "As many of each kind.")
  private static let buffers = Axis(
    "buffers_bdp", "buffer_bdp", [0.5, 1, 4], in: 0.01...100, suffix: " BDP", mayBeEmpty: true,
    "Buffers where there are rivals.")

  private static let own = Metric("own_mbps", "goodput of the network's flows", "Mbit/s", places: 1)
  private static let ownShare = Metric("own_share", "own over fair")
  private static let ownJain = Metric("own_jain", "Jain's index among own")

  /// Equal flows have a buffer of 1 BDP.
  private static func cells(_ plan: StudyPlan) -> [StudyCell] {
    let mixes = [StudyCell].one.times(rivals, plan).times(buffers, plan).times(counts, plan)
    return [StudyCell].one.times(equal, plan)
      + mixes.map { $0.with(equal.titled { "\($0) of ours" }, $0[counts]) }
  }

  private static func link(_ cell: StudyCell, _ plan: StudyPlan, round: Int) -> LinkConfiguration {
    LinkCell(
      rateMbps: plan[Common.rateMbps], rttMilliseconds: plan[Common.rttMs],
      bufferBdp: cell[buffers.part] == nil ? 1 : cell[buffers]
    ).link(seed: plan.seed(round: round))
  }

  private static func measure(
    _ cell: StudyCell, _ round: Int, _ plan: StudyPlan, _ congestion: String, _ executable: String
  ) throws -> Reading {
    try LinkEmulator.with(link(cell, plan, round: round), executable: executable) { link in
      func transfer(_ congestion: String, _ flows: Int, port: Int) throws -> Transfer {
        try Transfer(
          .init(congestion: congestion, flows: flows, seconds: plan.seconds + 1, port: port), over: link)
      }
      var transfers = [try transfer(congestion, cell[equal], port: Iperf3.port)]
      defer { for transfer in transfers { transfer.end() } }
      if cell[rivals.part] != nil {
        transfers.append(try transfer(cell[rivals].name, cell[counts], port: Iperf3.port + 1))
      }
      try Interruption.sleep(.seconds(plan.warmUp))
      try link.beginWindow()
      try Interruption.sleep(.seconds(plan.seconds - plan.warmUp))
      try link.beginWindow()
      let goodput = try transfers.map { transfer in
        try transfer.finish().flows.map {
          $0.goodput(from: Double(plan.warmUp), to: Double(plan.seconds)) / 1e6
        }
      }
      let window = try link.stop().forward.measured()
      let (ours, all) = (goodput[0], goodput.flatMap { $0 })
      let fair = all.reduce(0, +) * Double(ours.count) / Double(max(all.count, 1))
      let sum = ours.reduce(0, +)
      var reading = Reading(
        [
          FlowMetrics.goodput: all.reduce(0, +), own: sum, FlowMetrics.jain: Statistics.jain(all),
          ownJain: Statistics.jain(ours), ownShare: fair > 0 ? sum / fair : 0,
        ], faults: window.fellBehind ? [Reading.late] : [])
      reading.note(Percentiles(window.queueingDelay), FlowMetrics.queue)
      return reading
    }
  }

  static let study = Study(
    "fairness", "Flows of the network among themselves, and against CUBIC and BBR.",
    discussion: "100 Mbit/s, 40 ms, three buffers. Needs root; 35 minutes, --quick half a minute.",
    method: """
      iperf3 flows of both kinds start together on one emulated link. Jain's index and shares are of the \
      goodput after the warm-up; the share of fair is what the network's flows have together over their part \
      by number.
      """,
    keys: [
      equal, rivals, counts, buffers, Common.rateMbps, Common.rttMs.with(40), Common.seconds.with(40),
      Common.warmUp.with(10), Common.repeats,
    ],
    quick: { plan in
      (plan[equal], plan[counts], plan[buffers]) = ([4], [1], [1])
      (plan[Common.seconds], plan[Common.warmUp], plan[Common.repeats]) = (10, 4, 1)
    }, cells: cells, check: { plan in try cells(plan).forEach { try link($0, plan, round: 0).validate() } },
    course: .trials(.shuffled) { plan, context in
      for rival in plan[rivals] { try CongestionControls.require(rival.name) }
      let steering = try Steering(
        .medulla, prefix: "fair", network: SteeringNetwork(models: context.models))
      return { cell, round in
        try steering.start(prefix: "fair")
        defer { steering.stop() }
        return try measure(cell, round, plan, steering.congestion, context.executable)
      }
    },
    metrics: [FlowMetrics.jain, ownShare, ownJain, own, FlowMetrics.queue.mean],
    figures: [
      .byRound("flows among themselves: least Jain's index") { runs in
        runs.means(FlowMetrics.jain).filter { $0.cell[rivals.part] == nil }.map(\.value).min()
      }
    ],
    bounds: [Bound("flows among themselves: least Jain's index", .atLeast(0.9), .ours, by: .interval)],
    plots: [
      .bars("Jain's index of all flows", FlowMetrics.jain, range: 0...1),
      .bars(
        "Goodput of the network's flows over their fair part", ownShare,
        rules: { _ in
          [.init(.y, at: 1, "fair")]
        }),
    ])
}
