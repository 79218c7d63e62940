import MedullaBase
import TestbedLink
import TestbedMeasures
import TestbedReport
import TestbedWorkload

/// Small answers beside a bulk flow and on-off flows: the study `interactive`.
enum Interactive {
  private static let schemes = Common.schemes.with(SteeringScheme.list("medulla", "cubic", "bbr"))
  private static let connections = Setting("connections", 10, in: 1...1_000, "Connections that ask.")
  private static let requestBytes = Setting("request_bytes", 200, in: 1...1_000_000)
  private static let answerBytes = Setting("answer_bytes", 10_000, in: 1...100_000_000)
  private static let think = Setting(
    "think_seconds", 0.2, in: 0.001...60, "Mean time between an answer and the next request.")
  private static let bulkFlows = Setting("bulk_flows", 1, in: 1...100)
  private static let onOffFlows = Setting("on_off_flows", 2, in: 1...100)
  private static let on = Setting("on_seconds", 1.0, in: 0.01...600, "Mean time of a burst.")
  private static let off = Setting("off_seconds", 2.0, in: 0.01...600, "Mean time of a pause.")
  private static let alone = Setting(
    "alone_seconds", 5, .atLeast, in: 1...3600, "Seconds in which only the requests are there.")

  private static let answer = PercentileMetrics("answer_ms", "answer", "ms", places: 1)
  private static let aloneAnswer = PercentileMetrics("alone_ms", "answer alone", "ms", places: 1)
  private static let answers = Metric("answers", "answers", places: 0)
  private static let bulk = Metric("bulk_mbps", "bulk", "Mbit/s", places: 1)
  private static let bursts = Metric("bursts", "bursts", places: 0)
  private static let burst = Metric("burst_mbps", "a burst", "Mbit/s", places: 1)
  private static let tail = Metric("burst_tail_ms", "burst's tail", "ms", places: 1)
  private static let endless = Metric("endless", "requests and bursts without an end", places: 0)
  private static let answerSeries = "answer_ms"

  /// What the last answers and bursts may take.
  private static let patience = Duration.seconds(30)

  /// The way to the client has the bottleneck: there go the answers and all other data.
  static func link(_ plan: StudyPlan, round: Int) -> LinkConfiguration {
    plan.cell.link(seed: plan.seed(round: round)).turned
  }

  static func requests(_ plan: StudyPlan, _ congestion: String, round: Int) -> RequestResponse.Plan {
    var requests = RequestResponse.Plan(congestion: congestion)
    requests.connections = plan[connections]
    (requests.requestBytes, requests.answerBytes) = (plan[requestBytes], plan[answerBytes])
    (requests.think, requests.seed) = (.exponential(mean: plan[think]), plan.seed(round: round))
    return requests
  }

  static func onOff(_ plan: StudyPlan, _ congestion: String, round: Int) -> OnOffFlows.Plan {
    var flows = OnOffFlows.Plan(congestion: congestion)
    (flows.flows, flows.sender, flows.seed) = (plan[onOffFlows], .server, plan.seed(round: round))
    (flows.on, flows.off) = (.exponential(mean: plan[on]), .exponential(mean: plan[off]))
    return flows
  }

  private static func measure(
    _ steering: Steering, _ round: Int, _ plan: StudyPlan, _ executable: String
  ) throws -> Reading {
    let congestion = steering.congestion
    return try LinkEmulator.with(link(plan, round: round), executable: executable) { link in
      try steering.prepare(link)
      let asking = try RequestResponse(requests(plan, congestion, round: round), over: link)
      defer { asking.stop() }
      try Interruption.sleep(.seconds(plan[alone]))
      let come = MonotonicClock.nanoseconds
      let bulk = try BulkFlows(count: plan[bulkFlows], congestion: congestion, from: .server, over: link)
      defer { bulk.stop() }
      let bursting = try OnOffFlows(onOff(plan, congestion, round: round), over: link)
      defer { bursting.stop() }
      try Interruption.sleep(.seconds(plan.warmUp))
      try link.beginWindow()
      let (start, before) = (MonotonicClock.nanoseconds, bulk.receivedBytes().reduce(0, +))
      try Interruption.sleep(.seconds(plan.seconds - plan.warmUp))
      let (after, end) = (bulk.receivedBytes().reduce(0, +), MonotonicClock.nanoseconds)
      try link.beginWindow()
      // The bulk flow goes on, so that the last ones are no quicker than the others.
      let asked = try asking.finish(within: patience)
      let sent = try bursting.finish(within: patience)
      let retransmits = bulk.retransmits()
      bulk.stop()
      let window = try link.stop().backward.measured()
      let all = asking.completed()
      var reading = reading(
        beside: all.filter { (start..<end).contains($0.begunNanoseconds) }.map { $0.seconds * 1e3 },
        alone: all.filter { $0.begunNanoseconds < come }.map { $0.seconds * 1e3 },
        bursts: bursting.completed().filter { (start..<end).contains($0.begunNanoseconds) })
      reading[Self.bulk] = Double(after - before) * 8e3 / Double(max(end - start, 1))
      reading[endless] = Double(lost(asked, sent))
      reading[FlowMetrics.retransmits] = Double(retransmits)
      reading[FlowMetrics.dropped] = Double(window.droppedSegments)
      reading.note(Percentiles(window.queueingDelay), FlowMetrics.queue)
      if window.fellBehind { reading.faults.append(Reading.late) }
      return reading
    }
  }

  private static func reading(beside: [Double], alone: [Double], bursts own: [OnOffFlows.Burst]) -> Reading {
    var reading = Reading([answers: Double(beside.count), bursts: Double(own.count)])
    guard !beside.isEmpty else {
      reading.faults.append("nothing was answered in the measured time")
      return reading
    }
    reading.note(Percentiles(beside), answer)
    if !alone.isEmpty { reading.note(Percentiles(alone), aloneAnswer) }
    if !own.isEmpty {
      reading[burst] = Statistics.mean(own.map { $0.bitsPerSecond / 1e6 })
      reading[tail] = Statistics.mean(own.map { ($0.seconds - $0.sendingSeconds) * 1e3 })
    }
    reading.series[answerSeries] = (0...50).map { Statistics.quantile(beside, Double($0) / 50) }
    return reading
  }

  /// Requests and bursts that never came to their end.
  static func lost(_ requests: FlowCounts, _ onOff: FlowCounts) -> Int {
    requests.broken + requests.unfinished + onOff.broken + onOff.unfinished + onOff.skipped
  }

  private static func overCubic(_ name: String, _ metric: Metric) -> Figure {
    .ratio("\(name), in kernel over CUBIC", metric, schemes("medulla"), over: schemes("cubic"))
  }

  static let study = Study(
    "interactive", "Small answers beside a bulk flow and on-off flows on one bottleneck.",
    discussion: "50 Mbit/s, 30 ms, 4 BDP. Needs root; twelve minutes, --quick half one.",
    method: """
      Ten connections ask for 10 kB each, think for 0.2 s on average, and ask again; a bulk flow and two \
      on-off flows (1 s on, 2 s off, on average) come 5 s later. All data go through the bottleneck to the \
      client, and all flows of a run have one congestion control. A time of an answer is from the request's \
      first byte out to the answer's last byte in; answers and bursts count that began after the warm-up, \
      and each is waited for. A burst's goodput is its bytes over the time until the receiver had read them. \
      Think times, bursts and pauses are drawn from the seed, for all schemes alike. Connections ask one \
      request at a time, so a slow scheme is asked less often.
      """,
    keys: [
      schemes, Common.rateMbps.with(50), Common.rttMs.with(30), Common.bufferBdp.with(4), connections,
      requestBytes, answerBytes, think, bulkFlows, onOffFlows, on, off, alone, Common.seconds.with(40),
      Common.warmUp.with(10), Common.repeats.with(5),
    ],
    quick: { plan in
      plan[schemes] = SteeringScheme.list("medulla", "cubic")
      (plan[alone], plan[Common.seconds], plan[Common.warmUp], plan[Common.repeats]) = (2, 11, 3, 1)
    }, cells: CongestedPath.cells,
    check: { plan in
      try requests(plan, "cubic", round: 0).validate()
      try onOff(plan, "cubic", round: 0).validate()
      try link(plan, round: 0).validate()
    },
    course: .trials(.shuffled) { plan, context in
      let series = try TrialSeries(plan[schemes], prefix: "ia", context: context)
      return { cell, round in
        try series.steer(cell[schemes]) { try measure($0, round, plan, context.executable) }
      }
    },
    metrics: [
      answer.p50, answer.p95, answer.p99, aloneAnswer.p95, bulk, burst, tail, FlowMetrics.queue.mean, answers,
    ],
    figures: [
      overCubic("answers' p95", answer.p95), overCubic("bulk goodput", bulk),
      overCubic("bursts' goodput", burst), .sum("requests and bursts without an end", endless),
    ],
    bounds: [
      Bound("answers' p95, in kernel over CUBIC", .atMost(1), .ours, by: .interval),
      Bound("bulk goodput, in kernel over CUBIC", .atLeast(0.85), .ours, by: .interval),
      Bound("requests and bursts without an end", .atMost(0), .ours),
    ],
    plots: [
      .distribution(
        "Time of an answer", of: answerSeries, x: PlotAxis("ms", scale: .logarithmic)),
      .bars("Time of an answer, p95", answer.p95), .bars("Goodput of the bulk flow", bulk),
      .bars("Goodput of a burst", burst),
    ])
}
