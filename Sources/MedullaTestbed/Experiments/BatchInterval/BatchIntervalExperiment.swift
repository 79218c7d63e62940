import Foundation
import MedullaDatapath
import MedullaSnapshot

/// The experiment `fig14`: what the batch interval costs, and whether it slows flows down.
public struct BatchIntervalExperiment {
  public typealias Result = ExperimentResult<BatchIntervalPlan, BatchIntervalRun, BatchIntervalVerdict>

  static let method = """
    For each batch interval T, and without the daemon: concurrent iperf3 flows over an emulated link, and \
    meanwhile the share of softirq in all processors' time (/proc/stat, as mpstat reads it) and the daemon's \
    own (/proc/PID/stat); then the goodput of a single flow. Every decision is sampled. The repetitions go \
    through all intervals in turn, so that a slow drift of the machine meets all of them. The daemon runs \
    the native adapter at low priority: most of its share is learning; softirq and goodput are what \
    collecting batches does to the flows.
    """

  public let plan: BatchIntervalPlan
  private let models: String
  private let executable: String

  /// - Parameter models: the directory of the shipped network.
  public init(
    _ plan: BatchIntervalPlan, models: String, executable: String = LinkEmulator.ownExecutable
  ) throws {
    try plan.validate()
    self.plan = plan
    self.models = models
    self.executable = SlowPath.resolve(executable)
  }

  public func run(tell: (_ done: Int, _ of: Int, BatchIntervalRun, Result) throws -> Void) throws -> Result {
    let directory = FileManager.default.temporaryDirectory
      .appendingPathComponent("medulla-fig14-\(getpid())")
    try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: directory) }
    let bundle = directory.appendingPathComponent("aurora.medulla").path
    try ShippedNetwork.compile(from: models, to: bundle, executable: executable)
    var result = Result(
      "fig14", plan: plan, method: Self.method, verdict: BatchIntervalVerdict([], complete: false))
    let order = [nil] + plan.intervals.map(Optional.some)
    let total = order.count * plan.repeats
    for repetition in 0..<plan.repeats {
      for interval in order {
        let run = try steadied { try measure(interval, repetition, bundle: bundle) }
        result.runs.append(run)
        let complete = plan.isComplete && result.runs.count == total
        result.verdict = BatchIntervalVerdict(result.runs, complete: complete)
        try tell(result.runs.count, total, run, result)
      }
    }
    return result
  }

  /// A run; when the emulator fell behind in it, another one in its place, once.
  private func steadied(_ measure: () throws -> BatchIntervalRun) rethrows -> BatchIntervalRun {
    let first = try measure()
    guard first.fellBehind else { return first }
    var second = try measure()
    second.attempts = 2
    return second
  }

  private func measure(_ interval: String?, _ repetition: Int, bundle: String) throws -> BatchIntervalRun {
    let instance = try ExperimentInstance("bat", snapshot: DatapathSnapshot(SnapshotBundle.open(bundle)))
    defer { instance.detach() }
    var slowPath: SlowPath?
    defer { slowPath?.end() }
    if let interval {
      var settings = SlowPath.Settings()
      settings.interval = interval
      settings.adapter = plan.adapter
      let daemon = try SlowPath(
        name: instance.name, bundle: bundle, settings: settings, executable: executable)
      slowPath = daemon
      try daemon.start()
    }
    let many = try concurrent(instance, slowPath, repetition)
    let one = try LinkRun.measure(
      plan.cell(flows: 1), congestion: instance.congestion, seconds: plan.seconds, warmUp: plan.warmUp,
      seed: plan.seed &+ UInt64(repetition), executable: executable)
    if let slowPath, slowPath.identifier == nil {
      throw TestbedError(
        .processFailed, "The daemon ended during the run: \(slowPath.lastWords).",
        remedy: "Run the configuration by hand with `medulla run`.")
    }
    var run = many
    run.interval = interval
    run.singleMbps = one.goodputMbps
    run.fellBehind = many.fellBehind || one.fellBehind
    return run
  }

  /// The concurrent flows, and the processors' time after the warm-up.
  private func concurrent(
    _ instance: ExperimentInstance, _ slowPath: SlowPath?, _ repetition: Int
  ) throws -> BatchIntervalRun {
    let seed = plan.seed &+ UInt64(repetition)
    return try LinkEmulator.with(plan.cell(flows: plan.flows).link(seed: seed), executable: executable) {
      link in
      let transfer = try Transfer(
        .init(congestion: instance.congestion, flows: plan.flows, seconds: plan.seconds + 1), over: link)
      defer { transfer.end() }
      try Interruption.sleep(.seconds(plan.warmUp))
      func daemonSeconds() -> Double {
        slowPath?.identifier.flatMap { ProcessorTimes.ofProcess($0) } ?? 0
      }
      let (before, daemonBefore, status) = (try ProcessorTimes.read(), daemonSeconds(), try instance.status())
      try Interruption.sleep(.seconds(plan.seconds - plan.warmUp))
      let (after, daemonAfter, later) = (try ProcessorTimes.read(), daemonSeconds(), try instance.status())
      let result = try transfer.finish()
      let report = try link.stop()
      let total = max(after.total - before.total, 1e-9)
      return BatchIntervalRun(
        interval: nil, repetition: repetition, softirqShare: (after.softirq - before.softirq) / total,
        busyShare: (after.busy - before.busy) / total,
        daemonShare: max(0, daemonAfter - daemonBefore) / total,
        concurrentMbps: result.goodput(from: Double(plan.warmUp), to: Double(plan.seconds)) / 1e6,
        singleMbps: 0, samples: Int(clamping: later.samples &- status.samples),
        samplesDropped: Int(clamping: later.samplesDropped &- status.samplesDropped),
        fellBehind: report.fellBehind)
    }
  }
}

extension ExperimentResult
where Plan == BatchIntervalPlan, Run == BatchIntervalRun, Verdict == BatchIntervalVerdict {
  /// Shares of processor time and goodput over the batch intervals.
  public var plots: PlotSheet {
    let names = verdict.figures.intervals.map(\.interval)
    let x = PlotAxis("batch interval", categories: names.map { $0 ?? "no daemon" })
    // Series side by side, so that their dots do not cover each other.
    func points(_ aside: Double, _ value: (BatchIntervalRun) -> Double) -> [Plot.Point] {
      runs.map { run in Plot.Point(Double(names.firstIndex(of: run.interval) ?? 0) + aside, value(run)) }
    }
    return PlotSheet([
      Plot(
        "Share of all processors' time under \(environment.plan.flows) flows", x: x,
        y: PlotAxis("share of processors (%)"),
        series: [
          Plot.Series("softirq", color: 0, mark: .dots, points: points(-0.1) { $0.softirqShare * 100 }),
          Plot.Series("daemon", color: 1, mark: .dots, points: points(0.1) { $0.daemonShare * 100 }),
        ]),
      Plot(
        "Goodput", x: x, y: PlotAxis("Mbit/s"),
        series: [
          Plot.Series("one flow", color: 2, mark: .dots, points: points(-0.1, \.singleMbps)),
          Plot.Series("all flows", color: 3, mark: .dots, points: points(0.1, \.concurrentMbps)),
        ]),
    ])
  }
}
