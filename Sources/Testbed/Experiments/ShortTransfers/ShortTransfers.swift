import TestbedLink
import TestbedMeasures
import TestbedWorkload

/// Short transfers, one after another, alone and beside a long flow: the study `short-transfers`.
enum ShortTransfers {
  /// What else the link carries.
  enum Beside: String, CaseIterable {
    case nothing
    /// A long flow of the transfers' own scheme.
    case same
    /// A long flow of CUBIC.
    case cubic
  }

  static let schemes = Common.schemes
  static let besides = Axis(
    "besides", "beside", Beside.allCases.map(\.rawValue), "nothing, same, cubic."
  ).titled { ["nothing": "alone", "same": "beside its own", "cubic": "beside CUBIC"][$0] ?? $0 }
  static let sizes = Axis(
    "sizes", "size_kb", [10, 100, 1000], in: 1...1_000_000, suffix: " kB", "Kilobytes of a transfer.")
  static let rtts = Axis("rtts", "rtt_ms", [10.0, 40, 100], in: 0...20_000, suffix: " ms", "Round trips.")
  static let buffers = Axis("buffers", "buffer_bdp", [1.0, 4], in: 0.01...1000, suffix: " BDP", "Buffers.")

  static let milliseconds = PercentileMetrics("transfer_ms", "completion time", "ms", places: 1)
  static let completed = Metric("completed", "transfers completed", places: 0)
  static let broken = Metric("broken", "transfers broken", places: 0)
  static let bulk = Metric("bulk_mbps", "long flow's goodput", "Mbit/s", places: 1)

  /// Least seconds between two beginnings.
  private static let pause = 0.001

  /// Transfers of CUBIC beside CUBIC are those beside their own.
  static func cells(_ plan: StudyPlan) -> [StudyCell] {
    [StudyCell].one.times(rtts, plan).times(buffers, plan).times(sizes, plan).times(besides, plan)
      .times(schemes, plan).filter {
        !($0[schemes] == .cubic && $0[besides] == Beside.cubic.rawValue)
      }
  }

  /// The same with CUBIC.
  static func reference(_ cell: StudyCell) -> StudyCell {
    let beside = cell[besides] == Beside.nothing.rawValue ? Beside.nothing : .same
    return cell.with(besides, beside.rawValue).with(schemes, .cubic)
  }

  static func link(_ cell: StudyCell, _ plan: StudyPlan) -> LinkCell {
    LinkCell(rateMbps: plan[Common.rateMbps], rttMilliseconds: cell[rtts], bufferBdp: cell[buffers])
  }

  static func check(_ plan: StudyPlan) throws {
    try Study.require(
      plan[besides].allSatisfy { Beside(rawValue: $0) != nil }, "What is beside is not known.",
      remedy: "Use nothing, same, cubic.")
    for cell in cells(plan) { try link(cell, plan).link(seed: 1).validate() }
  }

  private static func measure(
    _ cell: StudyCell, _ plan: StudyPlan, seed: UInt64, _ steering: Steering, _ executable: String
  ) throws -> Reading {
    try LinkEmulator.with(link(cell, plan).link(seed: seed), executable: executable) { link in
      try steering.prepare(link)
      let long: BulkFlows? =
        switch Beside(rawValue: cell[besides]) {
        case .same: try BulkFlows(count: 1, congestion: steering.congestion, fewAtOnce: true, over: link)
        case .cubic:
          try BulkFlows(count: 1, congestion: SteeringScheme.cubic.name, fewAtOnce: true, over: link)
        default: nil
        }
      defer { long?.abort() }
      try Interruption.sleep(.seconds(plan.warmUp))
      try link.beginWindow()
      var flows = ShortFlows.Plan(congestion: steering.congestion)
      (flows.oneAfterAnother, flows.interval) = (true, pause)
      flows.bytes = cell[sizes] * 1000...cell[sizes] * 1000
      let begin = ContinuousClock.now
      let before = long?.receivedBytes().reduce(0, +) ?? 0
      let workload = try ShortFlows(flows, over: link)
      defer { workload.stop() }
      try Interruption.sleep(.seconds(plan.seconds - plan.warmUp))
      let received = (long?.receivedBytes().reduce(0, +) ?? 0) - before
      let seconds = (ContinuousClock.now - begin).inSeconds
      try link.beginWindow()
      let counts = try workload.finish(within: .seconds(30))
      long?.abort()
      let report = try link.stop()
      var reading = Reading([
        completed: Double(counts.completed), broken: Double(counts.broken),
        bulk: long.map { _ in Double(received) * 8 / seconds / 1e6 },
      ])
      let times = workload.completed().map { $0.seconds * 1e3 }
      if !times.isEmpty { reading.note(Percentiles(times), milliseconds) }
      reading.note(Percentiles(try report.forward.measured().queueingDelay), FlowMetrics.queue)
      if report.fellBehind { reading.faults.append(Reading.late) }
      return reading
    }
  }

  /// Of each link, the network's over CUBIC's.
  private static func overCubic(
    _ metric: Metric, _ size: Int, _ beside: Beside, _ runs: StudyRuns
  ) -> [Double?] {
    let own = runs.cells.filter { $0.fits([sizes(size), besides(beside.rawValue), schemes("medulla")]) }
    return own.map { cell in
      func mean(_ cell: StudyCell) -> Double? {
        let values = runs.runs.filter { $0.cell == cell }.compactMap { $0[metric] }
        return values.isEmpty ? nil : Statistics.mean(values)
      }
      guard let ours = mean(cell), let cubic = mean(reference(cell)), cubic > 0 else { return nil }
      return ours / cubic
    }
  }

  private static func title(_ size: Int, _ beside: Beside) -> String {
    let place = [Beside.nothing: "alone", .same: "beside its own", .cubic: "beside CUBIC"][beside] ?? ""
    return "\(size) kB \(place)"
  }

  private static func largestName(_ what: String, _ size: Int, _ beside: Beside) -> String {
    "\(title(size, beside)): \(what) over CUBIC's, largest"
  }

  /// The largest over all links, each of which has to have been measured, and their mean.
  private static func figures(_ what: String, _ metric: Metric, _ size: Int, _ beside: Beside) -> [Figure] {
    [
      Figure(largestName(what, size, beside)) { runs in
        let ratios = overCubic(metric, size, beside, runs)
        guard ratios.allSatisfy({ $0 != nil }) else { return nil }
        return ratios.compactMap { $0 }.max().map { Estimate($0) }
      },
      Figure("\(title(size, beside)): \(what) over CUBIC's, mean of links") { runs in
        let ratios = overCubic(metric, size, beside, runs).compactMap { $0 }
        return ratios.isEmpty ? nil : Estimate(Statistics.mean(ratios))
      },
    ]
  }

  private static let ratios: [Figure] = sizes.standard.flatMap { size in
    Beside.allCases.flatMap { beside in
      figures("median", milliseconds.p50, size, beside) + figures("p95", milliseconds.p95, size, beside)
    }
  }

  static let study = Study(
    "short-transfers", "Completion times of short transfers, alone and beside a long flow.",
    discussion: """
      48 Mbit/s, three round trips, two buffers; 10 kB, 100 kB and 1 MB. Needs root; two hours, --quick \
      half a minute. `--resume` goes on where an earlier sitting ended.
      """,
    method: """
      Each transfer connects, sends its bytes, and is complete when the receiver has told how many it read; \
      the next one begins when it is. Beside a long flow, that flow has the link for itself during the \
      warm-up. CUBIC's are the same transfers by CUBIC alone, or beside a long flow of CUBIC. Medians and \
      p95 are means over the rounds.
      """,
    keys: [
      schemes, besides, sizes, rtts, buffers, Common.rateMbps.with(48), Common.seconds.with(25),
      Common.warmUp.with(5), Common.repeats,
    ],
    quick: { plan in
      (plan[rtts], plan[buffers], plan[sizes]) = ([40], [1], [100])
      plan[besides] = [Beside.nothing.rawValue, Beside.same.rawValue]
      (plan[Common.seconds], plan[Common.warmUp], plan[Common.repeats]) = (6, 2, 1)
    }, cells: cells, check: check, alone: true,
    course: .trials(.shuffled) { plan, context in
      try CongestionControls.require(SteeringScheme.cubic.name)
      let series = try TrialSeries(
        plan[schemes], .congestion, prefix: "shrt", context: context)
      return { cell, round in
        try series.steer(cell[schemes]) { steering in
          try measure(cell, plan, seed: plan.seed(round: round), steering, context.executable)
        }
      }
    },
    metrics: [milliseconds.p50, milliseconds.p95, FlowMetrics.queue.mean, bulk, completed],
    figures: ratios + [
      .fewest("transfers completed, least", completed), .sum("transfers broken", broken),
    ],
    bounds: sizes.standard.map { Bound(largestName("median", $0, .nothing), .atMost(1.1), .ours) }
      + [10, 100].map { Bound(largestName("p95", $0, .same), .atMost(0.8), .ours) } + [
        Bound("transfers completed, least", .atLeast(1), .ours),
        Bound("transfers broken", .atMost(0), .ours),
      ],
    plots: Beside.allCases.map {
      .bars(
        "Median completion time, \(title($0))", milliseconds.p50, by: schemes.part, besides($0.rawValue),
        scale: .logarithmic)
    })

  private static func title(_ beside: Beside) -> String {
    [Beside.nothing: "alone", .same: "beside a long flow of its own", .cubic: "beside a long flow of CUBIC"][
      beside] ?? ""
  }
}
