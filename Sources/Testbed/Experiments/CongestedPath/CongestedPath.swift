import TestbedLink
import TestbedMeasures

/// A bottleneck with traffic that does not yield, and who steers one flow over it: the setting of the studies
/// `fig1`, `fig11` and `changing-congestion`.
enum CongestedPath {
  static let bufferBytes = Setting("buffer_bytes", 150_000, in: 1_500...1e9, "The bottleneck's buffer.")
  static let background = Setting(
    "background_mbps", 100.0, in: 0...100_000, "UDP beside the flow, while it sends.")
  static let on = Setting("background_on", 0.0, in: 0...3600, "Its seconds of sending; 0: without a pause.")
  static let off = Setting("background_off", 0.0, in: 0...3600, "Its seconds of silence.")

  static let free = Metric("free_mbps", "left by the background", "Mbit/s", places: 1)
  static let distance = Metric("distance_mbps", "distance from what is free", "Mbit/s", places: 1)
  static let longestQueueDeviation = Metric(
    "longest_queue_deviation_kb", "deviation of the longest queue in 10 ms", "kB", places: 1)
  static let queueDeviation = Metric("queue_deviation_ms", "deviation of the wait in 10 ms", "ms")

  static let goodputSeries = "goodput_mbps"
  static let queueSeries = "queue_ms"

  /// The paper's path: 1 Gbit/s, 10 ms, 150 kB of buffer, 0.1 Gbit/s of UDP (§2.2, §5.1).
  static func keys(_ schemes: [SteeringScheme], repeats: Int = 10) -> [any PlanKey] {
    [
      Common.schemes.with(schemes), Common.rateMbps.with(1000), Common.rttMs.with(10), bufferBytes,
      background, on, off, Common.seconds.with(13), Common.warmUp.with(3), Common.repeats.with(repeats),
    ]
  }

  static func cells(_ plan: StudyPlan) -> [StudyCell] { [StudyCell].one.times(Common.schemes, plan) }

  static func shorten(_ plan: inout StudyPlan, _ schemes: [SteeringScheme]) {
    plan[Common.schemes] = schemes
    (plan[Common.seconds], plan[Common.warmUp], plan[Common.repeats]) = (6, 2, 1)
  }

  static func check(_ plan: StudyPlan) throws {
    try Study.require(
      plan[background] < plan[Common.rateMbps], "The background leaves nothing of the link.",
      remedy: "Use less than \(short(plan[Common.rateMbps])) Mbit/s.")
    try trial(plan, round: 0).link.validate()
  }

  static func trial(_ plan: StudyPlan, round: Int) -> FlowTrial {
    let pauses = plan[on] > 0 && plan[off] > 0
    return FlowTrial(
      link: .path(
        mbps: plan[Common.rateMbps], rttMs: plan[Common.rttMs], bufferBytes: plan[bufferBytes],
        seed: plan.seed(round: round)),
      seconds: plan.seconds, warmUp: plan.warmUp,
      background: .init(
        bitsPerSecond: plan[background] * 1e6, on: pauses ? plan[on] : nil, off: pauses ? plan[off] : nil))
  }

  /// Payload that the background leaves while it sends for a share of the time.
  static func freeMbps(_ plan: StudyPlan, duty: Double) -> Double {
    (plan[Common.rateMbps] - plan[background] * duty) * LinkCell.payloadBytes / LinkCell.packetBytes
  }

  static func course(_ prefix: String) -> Study.Course {
    .trials(.shuffled) { plan, context in
      let series = try TrialSeries(plan[Common.schemes], prefix: prefix, context: context)
      return { cell, round in
        let trial = trial(plan, round: round)
        return reading(try series.run(cell[Common.schemes], trial), trial, plan)
      }
    }
  }

  private static func reading(_ outcome: FlowTrial.Outcome, _ trial: FlowTrial, _ plan: StudyPlan) -> Reading
  {
    var reading = outcome.reading
    let (start, end) = (Double(trial.warmUp), Double(trial.seconds))
    let goodput = outcome.transfer.goodputSeries(from: start, to: end, every: trial.interval)
    let free = goodput.indices.map { index in
      let from = start + Double(index) * trial.interval - (outcome.backgroundBegan ?? 0)
      return freeMbps(plan, duty: trial.background.duty(from: from, to: from + trial.interval))
    }
    let squares = zip(goodput, free).map { ($0 - $1) * ($0 - $1) }
    (reading[Self.free], reading[distance]) = (Statistics.mean(free), Statistics.mean(squares).squareRoot())
    let path = outcome.report.forward
    let bins = path.bins(path.windows[1], of: outcome.report)
    let waits = bins.map { path.bins.meanDelayMilliseconds[$0] }
    reading[queueDeviation] = Statistics.deviation(waits)
    reading[longestQueueDeviation] = Statistics.deviation(
      bins.map { Double(path.bins.queueBytesMaximum[$0]) / 1000 })
    reading.series[goodputSeries] = goodput.map { ($0 * 10).rounded() / 10 }
    reading.series[queueSeries] = waits.map { ($0 * 1000).rounded() / 1000 }
    return reading
  }
}
