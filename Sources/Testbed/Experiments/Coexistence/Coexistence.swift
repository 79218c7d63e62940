import TestbedLink
import TestbedMeasures
import TestbedReport

/// One flow and one rival of another kind on a matrix of links: the study `coexistence`.
///
/// CUBIC in the place of the flow under test is the reference: what a rival leaves to it, and what it leaves
/// to a rival, on the same link and in the same order.
enum Coexistence {
  /// Who is there first.
  enum Order: String, CaseIterable {
    case first
    case late
  }

  static let schemes = Common.schemes.titled { $0 == .cubic ? "CUBIC in our place" : $0.description }
  static let rivals = Axis("rivals", "rival", SteeringScheme.list("cubic", "bbr"), "Who shares the link.")
    .titled { "beside \($0)" }
  static let orders = Axis(
    "orders", "order", Order.allCases.map(\.rawValue),
    "first: the rival joins the flow; late: the flow joins the rival."
  ).titled { $0 == Order.first.rawValue ? "ours first" : "ours late" }
  static let rates = Axis(
    "rates", "rate_mbps", [12.0, 48, 100, 400], in: 0.01...100_000, suffix: " Mbit/s", "Links' rates.")
  static let rtts = Axis("rtts", "rtt_ms", [10.0, 40, 100], in: 1...20_000, suffix: " ms", "Round trips.")
  static let buffers = Axis(
    "buffers", "buffer_bdp", [0.5, 1, 4, 16], in: 0.01...1000, suffix: " BDP", "Buffers.")
  static let join = Setting(
    "join_seconds", 5, in: 1...600, "Seconds that the first flow has the link for itself.")
  static let leave = Setting(
    "leave_seconds", 15, .atLeast, in: 1...600, "Seconds that the flow goes on without the rival.")

  /// The links, so that each prefix of the list has as many values of each axis as it can: the first three
  /// have all round trips, the first twelve each rate with each round trip, and all buffers.
  static func links(_ plan: StudyPlan) -> [StudyCell] {
    let (rates, rtts, buffers) = (plan[rates], plan[rtts], plan[buffers])
    let places = rates.indices.flatMap { rate in
      rtts.indices.flatMap { rtt in buffers.indices.map { (rate: rate, rtt: rtt, buffer: $0) } }
    }
    func key(_ place: (rate: Int, rtt: Int, buffer: Int)) -> [Int] {
      let (rate, rtt, buffer) = place
      return [(rate + rtt + buffer) % buffers.count, (rate + rtt) % rtts.count, rate, rtt, buffer]
    }
    return places.sorted { key($0).lexicographicallyPrecedes(key($1)) }.map {
      StudyCell().with(self.rates, rates[$0.rate]).with(self.rtts, rtts[$0.rtt])
        .with(self.buffers, buffers[$0.buffer])
    }
  }

  /// A cell's reference comes right beside it.
  static func cells(_ plan: StudyPlan) -> [StudyCell] {
    links(plan).times(rivals, plan).times(orders, plan).times(schemes, plan)
  }

  static func trial(_ cell: StudyCell, _ round: Int, _ plan: StudyPlan) -> RivalTrial {
    RivalTrial(
      link: LinkCell(
        rateMbps: cell[rates], rttMilliseconds: cell[rtts], bufferBdp: cell[buffers]),
      seed: plan.seed(round: round), isOwnFirst: cell[orders] == Order.first.rawValue, alone: plan[join],
      together: plan.seconds, warmUp: plan.warmUp, after: plan[leave])
  }

  static func check(_ plan: StudyPlan) throws {
    try Study.require(
      plan[orders].allSatisfy { Order(rawValue: $0) != nil }, "An order of the plan is not known.",
      remedy: "Use first, late.")
    try Study.require(
      plan[rivals].allSatisfy { $0.kind == .kernel }, "A rival is no congestion control of the kernel.",
      remedy: "Use cubic, bbr or another that the kernel has.")
    for cell in links(plan) {
      try LinkCell(rateMbps: cell[rates], rttMilliseconds: cell[rtts], bufferBdp: cell[buffers])
        .link(seed: 1).validate()
    }
  }

  static let study = Study(
    "coexistence", "One flow beside one of CUBIC or BBR, on a matrix of links.",
    discussion: """
      Compares with CUBIC in our place on the same link. Needs root and BBR. The whole matrix takes nine \
      hours in one round; `--resume` goes on where an earlier sitting ended, and `--set rates=48 --set \
      rtts=40 --set buffers=1` is one link. --quick takes a minute.
      """,
    method: """
      One TCP flow has the emulated link for itself for some seconds, then the other joins, and both send as \
      much as they can; after their common time the rival is ended with a reset, and the other goes on. \
      Goodput is what the receiving program read in the common time after its warm-up; the fair part is \
      half of the payload that the link can carry. The queue is small again at the beginning of the first \
      half second from which on nine in ten have packets that waited at most a quarter of the empty round \
      trip in the mean, or 5 ms where that is more; where there is none, the whole time that was watched \
      stands there. CUBIC in our place runs on \
      the same link, in the same order, beside the same rival.
      """,
    keys: [
      schemes, rivals, orders, rates, rtts, buffers, Common.seconds.with(60), Common.warmUp.with(5), join,
      leave, Common.repeats.with(1),
    ],
    quick: { plan in
      (plan[rates], plan[rtts], plan[buffers]) = ([48], [40], [1])
      (plan[rivals], plan[orders]) = (SteeringScheme.list("cubic"), [Order.late.rawValue])
      (plan[Common.seconds], plan[Common.warmUp], plan[join], plan[leave]) = (15, 3, 2, 5)
    }, cells: cells, check: check, alone: true,
    course: .trials(.asListed) { plan, context in
      for rival in plan[rivals] { try CongestionControls.require(rival.name) }
      let series = try TrialSeries(
        plan[schemes], .congestion, prefix: "coex", context: context)
      return { cell, round in
        try series.steer(cell[schemes]) { steering in
          try steering.beginWindow()
          var reading = try trial(cell, round, plan).run(
            (steering.congestion, cell[rivals].name), executable: context.executable,
            prepare: steering.prepare)
          if steering.stop()?.inferences == 0 { reading.faults.append("the network was never asked") }
          return reading
        }
      }
    },
    metrics: [
      RivalTrial.ownShare, RivalTrial.own, RivalTrial.rival, FlowMetrics.queue.mean, RivalTrial.small,
    ],
    figures: CoexistenceFigures.all, bounds: CoexistenceFigures.bounds, plots: CoexistenceFigures.maps)
}
