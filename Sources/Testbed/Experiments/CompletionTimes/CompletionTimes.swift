import MedullaBase
import TestbedLink
import TestbedMeasures
import TestbedWorkload

/// Completion times of flows by a size distribution, at a given load: the study `completion`.
enum CompletionTimes {
  private static let schemes = Common.schemes.with(SteeringScheme.list("medulla", "cubic", "bbr"))
  private static let loads = Axis(
    "loads", "load", [0.3, 0.6], in: 0.01...0.99, suffix: " load", "Parts of the capacity that are asked for."
  )
  private static let sizes = Setting(
    "sizes", "", .anything,
    "A JSON file with a `name` and a `cdf` of [bytes, probability]; empty: heavy tail.")

  private static let completed = Metric("completed", "flows completed", places: 0)
  private static let broken = Metric("broken", "flows broken", places: 0)

  /// Mean seconds between two flows, so that their payload is the load's part of the capacity.
  static func interval(_ plan: StudyPlan, _ load: Double, _ sizes: FabricSizeDistribution) -> Double {
    sizes.mean / (plan.cell.capacityMbps * 1e6 / 8 * load)
  }

  /// What a flow takes alone on the path: the handshake, its bytes at the link's rate, the answer's way.
  private static func idealSeconds(_ plan: StudyPlan, _ bytes: Int) -> Double {
    plan[Common.rttMs] / 1000 * 2 + Double(bytes) * 8 / (plan.cell.capacityMbps * 1e6)
  }

  /// Few large flows carry most of the bytes, as in data centres; round figures of ours.
  private static let heavyTail: [(bytes: Double, probability: Double)] = [
    (1_000, 0), (10_000, 0.5), (100_000, 0.8), (1_000_000, 0.95), (10_000_000, 1),
  ]

  static func distribution(_ plan: StudyPlan) throws -> FabricSizeDistribution {
    guard plan[sizes].isEmpty else { return try FabricSizeDistribution(contentsOf: plan[sizes]) }
    return try FabricSizeDistribution(
      name: "heavy tail", points: heavyTail.map { .init(bytes: $0.bytes, probability: $0.probability) })
  }

  private static func measure(
    _ steering: Steering, _ flows: ShortFlows.Plan, _ plan: StudyPlan, _ executable: String
  ) throws -> Reading {
    try LinkEmulator.with(plan.cell.link(seed: flows.seed), executable: executable) { link in
      try steering.prepare(link)
      let workload = try ShortFlows(flows, over: link)
      defer { workload.stop() }
      try Interruption.sleep(.seconds(plan.seconds))
      let counts = try workload.finish(within: .seconds(30))
      let report = try link.stop()
      let done = workload.completed()
      var reading = Reading([
        completed: Double(counts.completed), broken: Double(counts.broken),
        FlowMetrics.dropped: Double(report.forward.droppedSegments),
      ])
      for size in SizeClass.allCases {
        let own = done.filter { SizeClass.of(bytes: $0.bytes) == size }
        guard !own.isEmpty else { continue }
        reading.note(Percentiles(own.map { $0.seconds * 1e3 }), size.milliseconds)
        reading.note(Percentiles(own.map { $0.seconds / idealSeconds(plan, $0.bytes) }), size.slowdown)
      }
      reading.note(Percentiles(report.forward.windows[0].queueingDelay), FlowMetrics.queue)
      if report.fellBehind { reading.faults.append(Reading.late) }
      if counts.skipped > 0 { reading.faults.append("\(counts.skipped) flows could not begin") }
      return reading
    }
  }

  private static func overCubic(_ load: Double) -> Figure {
    .ratio(
      "load \(short(load)): short flows over CUBIC's", SizeClass.short.milliseconds.mean, loads(load),
      schemes("medulla"), over: loads(load), schemes("cubic"))
  }

  static let study = Study(
    "completion", "Completion times of flows by a size distribution, at a given load.",
    discussion: """
      Open-loop Poisson arrivals over 200 Mbit/s. `--sizes FILE` takes a distribution, such as the web \
      search workload. Needs root; 20 minutes, --quick half one.
      """,
    method: """
      Each flow connects, sends its bytes, and is complete when the receiver has told how many it read. \
      Flows begin whether or not earlier ones are complete. Slowdown is the completion time over two round \
      trips and the bytes at the link's rate. Classes as in Figure 16: below 10 kB, to 100 kB, above.
      """,
    keys: [
      loads, schemes, sizes, Common.rateMbps.with(200), Common.rttMs.with(10), Common.bufferBdp.with(2),
      Common.seconds.with(60), Common.repeats,
    ],
    quick: { plan in
      (plan[loads], plan[schemes]) = ([0.3], SteeringScheme.list("medulla", "cubic"))
      (plan[Common.seconds], plan[Common.repeats]) = (8, 1)
    }, cells: { [StudyCell].one.times(loads, $0).times(schemes, $0) },
    check: { try $0.cell.link(seed: 1).validate() },
    course: .trials(.shuffled) { plan, context in
      let distribution = try distribution(plan)
      let series = try TrialSeries(plan[schemes], prefix: "fct", context: context)
      return { cell, round in
        try series.steer(cell[schemes]) { steering in
          var flows = ShortFlows.Plan(congestion: steering.congestion)
          (flows.isPoisson, flows.sizes) = (true, distribution)
          flows.interval = interval(plan, cell[loads], distribution)
          flows.seed = plan.seed(round: round)
          return try measure(steering, flows, plan, context.executable)
        }
      }
    },
    metrics: SizeClass.allCases.flatMap { [$0.milliseconds.mean, $0.slowdown.mean] } + [
      FlowMetrics.queue.mean
    ],
    figures: loads.standard.map(overCubic) + [
      .sum("flows completed", completed), .sum("flows broken", broken),
    ],
    bounds: loads.standard.map {
      Bound("load \(short($0)): short flows over CUBIC's", .atMost(1), .ours, by: .interval)
    } + [
      Bound("flows completed", .atLeast(1), .ours), Bound("flows broken", .atMost(0), .ours),
    ],
    plots: SizeClass.allCases.map {
      .bars("\($0.rawValue) flows: mean slowdown over alone", $0.slowdown.mean, by: schemes.part)
    })
}
