/// The experiment `interactive`: small answers beside a bulk flow and on-off flows.
public struct InteractiveExperiment: Experiment {
  public static let facts = ExperimentFacts(
    name: "interactive", title: "Small answers beside a bulk flow and on-off flows on one bottleneck.",
    discussion: "50 Mbit/s, 30 ms, 4 BDP. Needs root; twelve minutes, --quick half one.",
    method: """
      Ten connections ask for 10 kB each, think for 0.2 s on average, and ask again; a bulk flow and two \
      on-off flows (1 s on, 2 s off, on average) come 5 s later. All data go through the bottleneck to the \
      client, and all flows of a run have one congestion control. A time of an answer is from the request's \
      first byte out to the answer's last byte in; answers and bursts count that began after the warm-up, \
      and each is waited for. A burst's goodput is its bytes over the time until the receiver had read them. \
      Think times, bursts and pauses are drawn from the seed, for all schemes alike. Connections ask one \
      request at a time, so a slow scheme is asked less often.
      """)

  /// What the last answers and bursts may take.
  private static let patience = Duration.seconds(30)

  private let plan: InteractivePlan
  private let context: ExperimentContext
  private let steerings: [Steering]

  public init(_ plan: InteractivePlan, context: ExperimentContext) throws {
    (self.plan, self.context) = (plan, context)
    let network = try SteeringNetwork(models: context.models)
    steerings = try plan.schemes.map { try Steering($0, prefix: "ia", network: network) }
  }

  public func measure(_ take: (InteractiveRun) throws -> Void) throws {
    for round in 0..<plan.repeats {
      for steering in steerings {
        let first = try run(steering, round)
        try take(first.fellBehind ? run(steering, round) : first)
      }
    }
  }

  private func run(_ steering: Steering, _ round: Int) throws -> InteractiveRun {
    try steering.start(prefix: "ia")
    defer { steering.stop() }
    let congestion = steering.congestion
    return try LinkEmulator.with(plan.link(round: round), executable: context.executable) { link in
      try steering.prepare(link)
      let requests = try RequestResponse(plan.requests(congestion, round: round), over: link)
      defer { requests.stop() }
      try Interruption.sleep(.seconds(plan.aloneSeconds))
      let come = monotonicNanoseconds()
      let bulk = try BulkFlows(count: plan.bulkFlows, congestion: congestion, from: .server, over: link)
      defer { bulk.stop() }
      let onOff = try OnOffFlows(plan.onOff(congestion, round: round), over: link)
      defer { onOff.stop() }
      try Interruption.sleep(.seconds(plan.warmUp))
      try link.beginWindow()
      let start = monotonicNanoseconds()
      let before = bulk.receivedBytes().reduce(0, +)
      try Interruption.sleep(.seconds(plan.seconds - plan.warmUp))
      let after = bulk.receivedBytes().reduce(0, +)
      let end = monotonicNanoseconds()
      try link.beginWindow()
      // The bulk flow goes on, so that the last ones are no quicker than the others.
      let asked = try requests.finish(within: Self.patience)
      let sent = try onOff.finish(within: Self.patience)
      let retransmits = bulk.retransmits()
      bulk.stop()
      let window = try link.stop().backward.windows[1]
      let answers = requests.answers()
      let beside = answers.filter { (start..<end).contains($0.begunNanoseconds) }.map { $0.seconds * 1e3 }
      let bursts = onOff.bursts().filter { (start..<end).contains($0.begunNanoseconds) }
      return InteractiveRun(
        scheme: steering.scheme, round: round,
        aloneMs: Percentiles(answers.filter { $0.begunNanoseconds < come }.map { $0.seconds * 1e3 }),
        answerMs: Percentiles(beside),
        answerQuantilesMs: (0...50).map { Statistics.quantile(beside, Double($0) / 50) },
        answers: beside.count, bulkMbps: Double(after - before) * 8e3 / Double(max(end - start, 1)),
        bursts: bursts.count, burstMbps: Percentiles(bursts.map { $0.bitsPerSecond / 1e6 }),
        burstTailMs: Percentiles(bursts.map { ($0.seconds - $0.sendingSeconds) * 1e3 }), requests: asked,
        onOff: sent, bulkRetransmits: retransmits, queueMs: Percentiles(window.queueingDelay),
        dropped: window.droppedSegments, fellBehind: window.fellBehind)
    }
  }

  public static func judge(_ runs: [InteractiveRun], _ plan: InteractivePlan) -> (
    rows: [VerdictRow], faults: [String]
  ) {
    func mean(_ name: String, _ value: (InteractiveRun) -> Double) -> Double? {
      let own = runs.filter { $0.scheme.name == name && $0.answers > 0 }
      return own.isEmpty ? nil : Statistics.mean(own.map(value))
    }
    func overCubic(_ value: (InteractiveRun) -> Double) -> Double? {
      ratio(mean("medulla", value), mean("cubic", value))
    }
    var rows = plan.schemes.flatMap { scheme in
      [
        VerdictRow("\(scheme): answer, p50 (ms)", mean(scheme.name, \.answerMs.p50), places: 1),
        VerdictRow("\(scheme): answer, p95 (ms)", mean(scheme.name, \.answerMs.p95), places: 1),
        VerdictRow("\(scheme): answer, p99 (ms)", mean(scheme.name, \.answerMs.p99), places: 1),
        VerdictRow("\(scheme): answer alone, p95 (ms)", mean(scheme.name, \.aloneMs.p95), places: 1),
        VerdictRow("\(scheme): bulk (Mbit/s)", mean(scheme.name, \.bulkMbps), places: 1),
        VerdictRow("\(scheme): bursts (Mbit/s)", mean(scheme.name, \.burstMbps.mean), places: 1),
        VerdictRow("\(scheme): burst's tail (ms)", mean(scheme.name, \.burstTailMs.mean), places: 1),
        VerdictRow("\(scheme): mean queue (ms)", mean(scheme.name, \.queueMs.mean), places: 1),
      ]
    }
    rows += [
      VerdictRow("answers' p95, in kernel over CUBIC", overCubic(\.answerMs.p95), .atMost(1)),
      VerdictRow("bulk goodput, in kernel over CUBIC", overCubic(\.bulkMbps), .atLeast(0.85)),
      VerdictRow("bursts' goodput, in kernel over CUBIC", overCubic(\.burstMbps.mean)),
      VerdictRow(
        "requests and bursts without an end", runs.isEmpty ? nil : Double(runs.reduce(0) { $0 + $1.lost }),
        .atMost(0), places: 0),
    ]
    let faults =
      runs.filter(\.fellBehind).map { "\($0.scheme): the emulator fell behind" }
      + runs.filter { $0.answers == 0 }.map { "\($0.scheme): nothing was answered in the measured time" }
    return (rows, faults)
  }

  public static func plots(_ runs: [InteractiveRun], _ plan: InteractivePlan) -> PlotSheet {
    func bars(_ title: String, _ unit: String, _ parts: [(String, (InteractiveRun) -> Double)]) -> Plot {
      Plot(
        title, x: PlotAxis("", categories: parts.map(\.0)), y: PlotAxis(unit),
        series: plan.schemes.enumerated().map { index, scheme in
          let own = runs.filter { $0.scheme == scheme }
          return Plot.Series(
            scheme.description, color: index, mark: .bars,
            points: own.isEmpty
              ? []
              : parts.enumerated().map { place, part in
                let values = own.map(part.1)
                return Plot.Point(
                  Double(place), Statistics.mean(values), spread: Statistics.halfInterval(values))
              })
        })
    }
    let distribution = plan.schemes.enumerated().map { index, scheme in
      let own = runs.filter { $0.scheme == scheme && $0.answers > 0 }
      let points = (0...50).map { step in
        Plot.Point(Statistics.mean(own.map { $0.answerQuantilesMs[step] }), Double(step) / 50)
      }
      return Plot.Series(scheme.description, color: index, points: own.isEmpty ? [] : points)
    }
    return PlotSheet([
      Plot(
        "Time of an answer of \(plan.answerBytes / 1000) kB",
        x: PlotAxis("ms", scale: .logarithmic), y: PlotAxis("share of answers", range: 0...1),
        series: distribution),
      bars(
        "Time of an answer: percentiles", "ms",
        [
          ("p95 alone", \.aloneMs.p95), ("p50", \.answerMs.p50), ("p95", \.answerMs.p95),
          ("p99", \.answerMs.p99),
        ]),
      bars("Goodput", "Mbit/s", [("bulk", \.bulkMbps), ("a burst", \.burstMbps.mean)]),
    ])
  }
}
