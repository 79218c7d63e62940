import MedullaModel

/// The experiment `fig15`: how long a prediction takes, in the kernel and by each way to user space.
public struct PredictionLatencyExperiment: Experiment {
  public struct Plan: ExperimentPlan {
    /// Questions for each way in each round.
    public var count = 10_000
    public var repeats = 10
    public var seed: UInt64 = 1

    public init() {}

    public static var quick: Plan {
      var plan = Plan()
      (plan.count, plan.repeats) = (1_000, 1)
      return plan
    }

    public var runCount: Int { LatencyCell.all.count * repeats }
    public var isComplete: Bool { count >= 10_000 && repeats >= 10 }

    public func validate() throws {
      try require(
        LatencyComparison.countRange.contains(count) && (1...100).contains(repeats),
        "The plan of questions is out of range.", remedy: "Use 1 to 1,000,000 and 1 to 100 repeats.")
    }
  }

  public static let facts = ExperimentFacts(
    name: "fig15", title: "How long a prediction takes: in the kernel, and by asking user space.",
    discussion: """
      A network of FFNN's shape, asked in the kernel, over a BPF ring buffer (sleeping and polling), \
      netlink, pipes and event counters. Needs root and a quiet machine; five minutes, --quick half a minute.
      """,
    method: """
      One question after another, from processor 0; the process that answers (C, the snapshot compiled in) \
      is on the same processor or on processor 1. `answered`: until the answer is where the kernel finds it; \
      `returned`: until the asker, which slept, has it. The kernel's own figure is that of a test run of the \
      program and holds the test run's set-up, which the empty program's run shows. Every answer is compared \
      with the interpreter's. The paper's char device is a kernel module; pipes are the same system calls \
      without one.
      """,
    paper: PaperFigure(
      "Figure 15, §5.2",
      "Mean latency: LF-FFNN 2.19 µs, char-FFNN 4.34 µs, netlink-FFNN 8.09 µs; LF-FFNN's is more stable."))

  /// One way in one round.
  public struct Run: ExperimentRun {
    public var cell: LatencyCell
    public var round: Int
    public var count: Int
    public var meanNs: Double
    public var p50Ns: Double
    public var p99Ns: Double
    /// Quantiles 0, 0.01, … 1.
    public var quantilesNs: [Double]

    init(_ series: LatencySeries, round: Int) {
      cell = series.cell
      self.round = round
      count = series.nanoseconds.count
      meanNs = series.mean
      let sorted = series.nanoseconds.sorted()
      quantilesNs = (0...100).map { percent in
        sorted.isEmpty ? 0 : Double(sorted[min(sorted.count * percent / 100, sorted.count - 1)])
      }
      (p50Ns, p99Ns) = (quantilesNs[50], quantilesNs[99])
    }

    public var line: String {
      "\(cell.title.padding(44)) mean \(decimal(meanNs, 0).indenting(7)) ns, "
        + "p50 \(decimal(p50Ns, 0).indenting(6)), p99 \(decimal(p99Ns, 0).indenting(7))"
    }
  }

  private let plan: Plan
  private let comparison: LatencyComparison

  public init(_ plan: Plan, context: ExperimentContext) throws {
    self.plan = plan
    comparison = try LatencyComparison(count: plan.count)
  }

  public func measure(_ take: (Run) throws -> Void) throws {
    for round in 0..<plan.repeats {
      for cell in LatencyCell.all {
        try Interruption.check()
        try take(Run(comparison.measure(cell), round: round))
      }
    }
  }

  /// Each cell's median over rounds of the rounds' own medians or means, which a disturbed round cannot move.
  static func typical(_ runs: [Run], _ cell: LatencyCell, _ value: (Run) -> Double) -> Double? {
    let own = runs.filter { $0.cell == cell }.map(value)
    return own.isEmpty ? nil : Statistics.quantile(own, 0.5)
  }

  public static func judge(_ runs: [Run], _ plan: Plan) -> (rows: [VerdictRow], faults: [String]) {
    let cells = LatencyCell.all
    var rows = cells.flatMap { cell in
      [
        VerdictRow("\(cell.title): median (ns)", typical(runs, cell, \.p50Ns), places: 0),
        VerdictRow("\(cell.title): mean (ns)", typical(runs, cell, \.meanNs), places: 0),
      ]
    }
    let kernel = LatencyCell(.kernel)
    func least(_ value: (Run) -> Double, _ fits: (LatencyCell) -> Bool = { _ in true }) -> Double? {
      cells.filter { $0.asksUserSpace && fits($0) }.compactMap { typical(runs, $0, value) }.min()
    }
    rows += [
      VerdictRow(
        "median, fastest user-space way over in kernel",
        ratio(least(\.p50Ns), typical(runs, kernel, \.p50Ns)), .atLeast(10), places: 2),
      VerdictRow(
        "mean, fastest user-space way over in kernel",
        ratio(least(\.meanNs), typical(runs, kernel, \.meanNs)), places: 2),
      VerdictRow(
        "median, fastest that sleeps over in kernel",
        ratio(least(\.p50Ns) { $0.way != .pollingRing }, typical(runs, kernel, \.p50Ns)), .atLeast(10),
        places: 2),
      VerdictRow(
        "p99, fastest user-space way over in kernel",
        ratio(least(\.p99Ns), typical(runs, kernel, \.p99Ns)), .atLeast(1), places: 2),
    ]
    return (rows, [])
  }

  public static func plots(_ runs: [Run], _ plan: Plan) -> PlotSheet {
    func lines(_ shown: [LatencyCell]) -> [Plot.Series] {
      shown.enumerated().map { index, cell in
        let own = runs.filter { $0.cell == cell }
        let points =
          own.isEmpty
          ? []
          : (0...100).map { percent in
            Plot.Point(
              max(Statistics.quantile(own.map { $0.quantilesNs[percent] }, 0.5) / 1000, 0.001),
              Double(percent) / 100)
          }
        return Plot.Series(cell.title, color: index, points: points)
      }
    }
    let x = PlotAxis("latency (µs)", scale: .logarithmic)
    let y = PlotAxis("share of predictions", range: 0...1)
    let kernel = LatencyCell(.kernel)
    return PlotSheet([
      Plot(
        "Until the answer is in the kernel; the user process on another processor", x: x, y: y,
        series: lines(
          [kernel, .init(.pollingRing, sharesProcessor: false)]
            + [LatencyCell.Way.ringBuffer, .netlink, .pipe].map { .init($0, sharesProcessor: false) })),
      Plot(
        "Until the answer is in the kernel; the user process on the same processor", x: x, y: y,
        series: lines(
          [kernel] + [LatencyCell.Way.ringBuffer, .netlink, .pipe, .eventCounter].map { .init($0) })),
    ])
  }
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
