/// Whether collecting batches costs little at usual intervals, computed from the runs.
public struct BatchIntervalVerdict: ExperimentVerdict, Equatable {
  public struct Targets: Codable, Equatable, Sendable {
    /// Intervals to which the targets apply.
    public var intervals = ["100ms", "1s"]
    /// Softirq's share of all processors' time above that without adaptation.
    public var softirqAbove = 0.02
    /// Goodput of a single flow over that without adaptation.
    public var goodputRatio = 0.97

    public init() {}
  }

  /// One interval, as means over the repetitions with half of their 95% intervals.
  public struct Interval: Codable, Equatable, Sendable {
    public var interval: String?
    public var softirqShare: Double
    public var softirqInterval: Double?
    public var busyShare: Double
    public var daemonShare: Double
    public var daemonInterval: Double?
    public var singleMbps: Double
    public var singleInterval: Double?
    public var concurrentMbps: Double
    /// Against no adaptation.
    public var softirqAbove: Double?
    public var goodputRatio: Double?
  }

  public struct Figures: Codable, Equatable, Sendable {
    public var intervals: [Interval]
    /// The worst of the intervals that have targets.
    public var softirqAbove: Double?
    public var goodputRatio: Double?
  }

  public var met: Bool
  public var complete: Bool
  public var figures: Figures
  public var targets: Targets
  public var misses: [String]

  public init(_ runs: [BatchIntervalRun], complete: Bool, targets: Targets = Targets()) {
    let names = runs.map(\.interval).reduce(into: [String?]()) { if !$0.contains($1) { $0.append($1) } }
    let without = runs.filter { $0.interval == nil }
    let base = without.isEmpty ? nil : Statistics.mean(without.map(\.softirqShare))
    let baseMbps = without.isEmpty ? nil : Statistics.mean(without.map(\.singleMbps))
    let intervals = names.map { name in
      let own = runs.filter { $0.interval == name }
      let softirq = Statistics.mean(own.map(\.softirqShare))
      let single = Statistics.mean(own.map(\.singleMbps))
      return Interval(
        interval: name, softirqShare: softirq,
        softirqInterval: Statistics.halfInterval(own.map(\.softirqShare)),
        busyShare: Statistics.mean(own.map(\.busyShare)),
        daemonShare: Statistics.mean(own.map(\.daemonShare)),
        daemonInterval: Statistics.halfInterval(own.map(\.daemonShare)), singleMbps: single,
        singleInterval: Statistics.halfInterval(own.map(\.singleMbps)),
        concurrentMbps: Statistics.mean(own.map(\.concurrentMbps)),
        softirqAbove: base.map { softirq - $0 },
        goodputRatio: baseMbps.flatMap { $0 > 0 ? single / $0 : nil })
    }
    let judged = intervals.filter { $0.interval.map(targets.intervals.contains) ?? false }
    figures = Figures(
      intervals: intervals, softirqAbove: judged.compactMap(\.softirqAbove).max(),
      goodputRatio: judged.compactMap(\.goodputRatio).min())
    self.complete = complete
    self.targets = targets
    misses = []
    if complete {
      misses = Self.bounds(figures, targets).filter { $0.holds != true }
        .map { "\($0.name): \($0.value.map { decimal($0, 4) } ?? "not measured")" }
      misses += runs.filter(\.fellBehind)
        .map { "T \($0.interval ?? "none"), repetition \($0.repetition): the emulator fell behind" }
    }
    met = complete && misses.isEmpty
  }

  private static func bounds(_ figures: Figures, _ targets: Targets) -> [VerdictRow] {
    [
      VerdictRow(
        "softirq's share above none, 100 ms to 1 s", figures.softirqAbove, .atMost(targets.softirqAbove),
        places: 4),
      VerdictRow(
        "goodput of one flow over none, 100 ms to 1 s", figures.goodputRatio, .atLeast(targets.goodputRatio)),
    ]
  }

  public var rows: [VerdictRow] {
    figures.intervals.flatMap { interval in
      let name = interval.interval.map { "T = \($0)" } ?? "no adaptation"
      return [
        VerdictRow("\(name): softirq (%)", interval.softirqShare * 100, places: 2),
        VerdictRow("\(name): daemon (%)", interval.daemonShare * 100, places: 2),
        VerdictRow("\(name): one flow (Mbit/s)", interval.singleMbps, places: 1),
      ]
    } + Self.bounds(figures, targets)
  }
}
