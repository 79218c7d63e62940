import TestbedBaselines
import TestbedMeasures
import TestbedReport

/// How long a prediction takes, in the kernel and by each way to user space: the study `fig15`.
enum PredictionLatency {
  private static let ways = Axis(
    "ways", "way", LatencyCell.all.map(\.title), "The kernel, and ways to user space.")
  private static let count = Setting(
    "count", 10_000, .atLeast, in: 1...1_000_000, "Questions for each way in each round.")

  private static let mean = Metric("mean_ns", "mean", "ns", places: 0)
  static let median = Metric("p50_ns", "median", "ns", places: 0)
  private static let p99 = Metric("p99_ns", "p99", "ns", places: 0)
  private static let quantiles = "latency_us"

  /// A way's median over rounds of the rounds' own figures, which a disturbed round cannot move.
  private static func typical(_ runs: StudyRuns, _ way: LatencyCell, _ metric: Metric) -> Double? {
    let own = runs.of([ways(way.title)]).values(metric)
    return own.isEmpty ? nil : Statistics.quantile(own, 0.5)
  }

  /// The fastest way to user space over the kernel.
  private static func fastest(
    _ name: String, _ metric: Metric, _ fits: @escaping @Sendable (LatencyCell) -> Bool = { _ in true }
  ) -> Figure {
    .byRound(name, places: 2) { runs in
      let cells = LatencyCell.all.filter { $0.asksUserSpace && fits($0) }
      guard let least = cells.compactMap({ typical(runs, $0, metric) }).min(),
        let own = typical(runs, LatencyCell(.kernel), metric), own > 0
      else { return nil }
      return least / own
    }
  }

  private static let polling = """
    A process that polls the ring all the time is as quick as the kernel: its answer crosses a cache line \
    between two processors and no more. It costs a whole processor, all the time.
    """

  static let fig15 = Study(
    "fig15", "How long a prediction takes: in the kernel, and by asking user space.",
    discussion: """
      A network of FFNN's shape, asked in the kernel, over a BPF ring buffer (sleeping and polling), \
      netlink, pipes and event counters. Needs root and a quiet machine; five minutes, --quick half a \
      minute.
      """,
    method: """
      One question after another, from processor 0; the process that answers (C, the snapshot compiled in) \
      is on the same processor or on processor 1. Until the answer is where the kernel finds it; `returned`: \
      until the asker, which slept, has it. The kernel's own figure is that of a test run of the program and \
      holds the test run's set-up, which the empty program's run shows. Every answer is compared with the \
      interpreter's. The paper's char device is a kernel module; pipes are the same system calls without \
      one.
      """,
    paper: PaperFigure(
      "Figure 15, §5.2",
      "Mean latency: LF-FFNN 2.19 µs, char-FFNN 4.34 µs, netlink-FFNN 8.09 µs; LF-FFNN's is more stable."),
    keys: [ways, count, Common.repeats.with(10)],
    quick: { ($0[count], $0[Common.repeats]) = (1_000, 1) }, cells: { [StudyCell].one.times(ways, $0) },
    check: { plan in
      let names = Set(LatencyCell.all.map(\.title))
      try Study.require(
        plan[ways].allSatisfy(names.contains), "A way of the plan is not known.",
        remedy: "Use \(names.sorted().joined(separator: "; ")).")
    },
    course: .trials(.shuffled) { plan, _ in
      let comparison = try LatencyComparison(count: plan[count])
      let cells = Dictionary(LatencyCell.all.map { ($0.title, $0) }) { first, _ in first }
      return { cell, _ in
        let series = try cells[cell[ways]].map { try comparison.measure($0) }
        let sorted = (series?.nanoseconds ?? []).sorted()
        let shares = (0...100).map { percent in
          sorted.isEmpty ? 0 : Double(sorted[min(sorted.count * percent / 100, sorted.count - 1)])
        }
        var reading = Reading([mean: series?.mean, median: shares[50], p99: shares[99]])
        reading.series[quantiles] = shares.map { max($0 / 1000, 0.001) }
        return reading
      }
    },
    metrics: [median, mean, p99],
    figures: [
      fastest("median, fastest user-space way over in kernel", median),
      fastest("mean, fastest user-space way over in kernel", mean),
      fastest("median, fastest that sleeps over in kernel", median) { $0.way != .pollingRing },
      fastest("p99, fastest user-space way over in kernel", p99),
    ],
    bounds: [
      Bound(
        "median, fastest user-space way over in kernel", .atLeast(10), .ours, by: .interval,
        explanation: polling),
      Bound("median, fastest that sleeps over in kernel", .atLeast(10), .ours, by: .interval),
      Bound(
        "p99, fastest user-space way over in kernel", .atLeast(1), .ours, by: .interval,
        explanation: polling),
      // 4.34 over 2.19 µs.
      Bound(
        "mean, fastest user-space way over in kernel", .atLeast(1.98), .paper("§5.2"), by: .interval,
        judged: false),
    ],
    plots: [
      .distribution(
        "Until the answer is in the kernel", of: quantiles, x: PlotAxis("latency (µs)", scale: .logarithmic)),
      .bars("Median", median, scale: .logarithmic),
    ])
}

extension LatencyCell {
  /// For tables and plots.
  var title: String {
    let name =
      switch way {
      case .kernel: "in kernel"
      case .emptyProgram: "empty program"
      case .ringBuffer: "ring buffer"
      case .pollingRing: "ring buffer, polling"
      case .netlink: "netlink"
      case .pipe: "pipe"
      case .eventCounter: "event counter"
      }
    guard asksUserSpace else { return name }
    return name + (end == .returned ? ", returned" : "") + (sharesProcessor ? ", same CPU" : ", other CPU")
  }
}
