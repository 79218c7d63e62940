import MedullaBase
import MedullaCompile
import MedullaDatapath
import MedullaSnapshot
import TestbedLink
import TestbedMeasures

/// The snapshot is replaced while flows run at full load: the study `swap`.
enum SnapshotSwap {
  private static let swapping = Axis("swapping", "swapping", [false, true], "Without and with swaps.")
  private static let flows = Setting("flows", 10, .atLeast, in: 1...128, "Flows that run.")
  private static let every = Setting(
    "every_ms", 500, .atMost, in: 200...60_000, "Milliseconds between two swaps.")

  private static let swaps = Metric("swaps", "swaps", places: 0)
  private static let change = Metric("action_change", "change of actions by a swap, of their range")
  /// What the two snapshots' outputs are scaled by; they differ by three fifths of the shipped network's.
  private static let factors: [Float] = [0.7, 1.3]
  private static let call = PercentileMetrics("swap_ms", "call that swaps", "ms")
  private static let after = Metric("after_over_before", "100 ms after over before")
  private static let leastAfter = Metric("least_after_over_before", "least of them")

  private static func trial(_ plan: StudyPlan, round: Int) -> FlowTrial {
    let cell = LinkCell(
      rateMbps: plan[Common.rateMbps], rttMilliseconds: plan[Common.rttMs], bufferBdp: 2, flows: plan[flows])
    return FlowTrial(
      link: cell.link(seed: plan.seed(round: round)), flows: plan[flows], seconds: plan.seconds,
      warmUp: plan.warmUp)
  }

  private static func measure(
    _ swapping: Bool, _ round: Int, _ plan: StudyPlan, _ steering: Steering, _ snapshots: [DatapathSnapshot],
    _ executable: String
  ) throws -> Reading {
    var (times, calls): ([UInt64], [Double]) = ([], [])
    let outcome = try trial(plan, round: round).run(steering, prefix: "swap", executable: executable) {
      steering in
      let count = (plan.seconds - plan.warmUp) * 1000 / plan[every] - 1
      let start = ContinuousClock.now
      for index in 1...max(count, 1) {
        try Interruption.sleep(start + .milliseconds(plan[every] * index) - ContinuousClock.now)
        times.append(MonotonicClock.nanoseconds)
        guard swapping else { continue }
        let begin = ContinuousClock.now
        try steering.update(snapshots[index % 2])
        calls.append((ContinuousClock.now - begin).inSeconds * 1e3)
      }
    }
    var reading = outcome.reading
    // A slot that is written again counts anew, so a sum over slots means nothing after swaps.
    if swapping { reading[FlowMetrics.inferences] = nil }
    let ratios = times.compactMap { outcome.report.deliveredAfterOverBefore($0, nanoseconds: 100_000_000) }
    (reading[swaps], reading[after]) = (Double(calls.count), Statistics.mean(ratios))
    reading[leastAfter] = ratios.min() ?? 0
    if swapping { reading.note(Percentiles(calls), call) }
    return reading
  }

  /// Margins as the bounds had them before they were tests: a hundredth of goodput, which a reader would not
  /// notice, and a tenth of the wait in the queue.
  private static let claims = [
    Equivalence(
      "goodputs with and without swaps", FlowMetrics.goodput, [swapping(true)], [swapping(false)],
      within: .part(0.01)),
    Equivalence(
      "mean queues with and without swaps", FlowMetrics.queue.mean, [swapping(true)], [swapping(false)],
      within: .part(0.1)),
  ]

  static let study = Study(
    "swap", "Replace the snapshot while ten flows run at full load.",
    discussion:
      "A swap every half second, and the same without. Needs root; seven minutes, --quick half one.",
    method: """
      Flow consistency is off: each swap changes what every flow runs at its next decision. The two \
      snapshots are the shipped network with its output times 0.7 and times 1.3. Goodput and mean queue have \
      to be alike with and without swaps, by two one-sided t tests (Schuirmann 1987) on the rounds' ratios. \
      What left the bottleneck is counted by the emulator in 10 ms bins; runs without swaps are cut at the \
      same distances.
      """,
    keys: [
      swapping, flows, Common.rateMbps.with(200), Common.rttMs, every, Common.seconds.with(33),
      Common.warmUp.with(3), Common.repeats.with(5),
    ],
    quick: { ($0[Common.seconds], $0[Common.warmUp], $0[Common.repeats]) = (10, 3, 1) },
    cells: { plan in
      plan[swapping].map {
        StudyCell().with(swapping.titled { $0 ? "with swaps" : "without swaps" }, $0)
      }
    },
    check: { try trial($0, round: 0).link.validate() },
    course: .trials(.shuffled) { plan, context in
      let (shipped, samples) = try ShippedNetwork.read(context.models)
      let family = try SnapshotFamily(shipped, samples: samples)
      let networks = try factors.map { try shipped.scalingOutput(by: $0) }
      let snapshots = try networks.enumerated().map {
        try family.datapath($0.element, name: "swap \($0.offset)")
      }
      let changed = try Statistics.mean(family.changes(networks))
      var network = try SteeringNetwork(models: context.models)
      network.snapshot = try family.snapshot(shipped)
      let steering = try Steering(
        .medulla, prefix: "swap", network: network, settings: InstanceSettings(isConsistent: false))
      return { cell, round in
        var reading = try measure(cell[swapping], round, plan, steering, snapshots, context.executable)
        if cell[swapping] { reading[change] = changed }
        return reading
      }
    },
    metrics: [
      FlowMetrics.goodput, after, leastAfter, FlowMetrics.retransmits, FlowMetrics.queue.mean, call.p50,
      call.p99,
    ],
    figures: [
      .sum("swaps", swaps),
      .ratio(
        "goodput with swaps over without", FlowMetrics.goodput, swapping(true), over: swapping(false)),
      .mean("100 ms after over before, with swaps", after, swapping(true)),
      .ratio(
        "mean queue with swaps over without", FlowMetrics.queue.mean, swapping(true), over: swapping(false)),
      .mean("actions changed by a swap, of their range", change, swapping(true)),
    ] + claims.map(\.figure),
    bounds: [
      // Without a swap nothing would be compared.
      Bound("swaps", .atLeast(1), .ours),
      Bound("100 ms after over before, with swaps", .atLeast(0.99), .ours, by: .interval),
      // LiteFlow's α (§3.3): what changes outputs by less is no update.
      Bound("actions changed by a swap, of their range", .atLeast(0.05), .ours),
    ] + claims.map { $0.bound() },
    plots: [
      .bars("Goodput of ten flows", FlowMetrics.goodput, mark: .dots),
      .bars("Delivered in 100 ms after over before", after, mark: .dots),
      .bars("Mean wait in the queue", FlowMetrics.queue.mean, mark: .dots),
    ])
}

extension LinkReport {
  /// Bytes that left the bottleneck in a span after a time over those in the same span before; nil at the
  /// ends of the recording.
  func deliveredAfterOverBefore(_ time: UInt64, nanoseconds span: UInt64) -> Double? {
    let bins = forward.bins
    let width = max(bins.binNanoseconds, 1)
    guard let origin = forward.windows.first?.startNanoseconds, time >= origin else { return nil }
    let (middle, count) = (Int((time - origin) / width), Int(span / width))
    guard count > 0, middle >= count, middle + count <= bins.deliveredBytes.count else { return nil }
    let before = bins.deliveredBytes[middle - count..<middle].reduce(0, +)
    let after = bins.deliveredBytes[middle..<middle + count].reduce(0, +)
    return before > 0 ? Double(after) / Double(before) : nil
  }
}
