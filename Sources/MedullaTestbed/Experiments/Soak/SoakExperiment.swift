import Foundation
import MedullaDatapath
import MedullaSnapshot

/// The experiment `soak`: a flow every moment, a network that is replaced, an adapter that crashes, a daemon
/// that is killed.
public struct SoakExperiment {
  public typealias Result = ExperimentResult<SoakPlan, SoakLook, SoakVerdict>

  static let method = """
    Short TCP flows over an emulated link, one begun at each interval; a flow is complete when the \
    receiver has told that it read every byte. The daemon (medulla run) collects samples and puts \
    snapshots in, with an adapter in a process of its own that changes its network a little each round \
    and exits at random without a word. At each kill the daemon gets SIGKILL and is started again; it \
    takes over what is pinned. The kernel's counts (flows that slots took less those moved, flows held) \
    are read at each look and compared with the connections that stood. Growth of memory is a least- \
    squares slope over the second half; the kernel's is SUnreclaim, VmallocUsed and Percpu of \
    /proc/meminfo, which other programs share. A daemon fills its caches for two minutes, longer than the \
    killed ones live: after the kills it goes on alone, and is judged by its memory from then on. At the \
    end it is stopped, and what it has written down is held against what was active: a promotion needs a \
    verdict of the watch, or a kill that cut it off.
    """

  /// How long the last flows may take, and the kernel to let their sockets go.
  private static let drain = Duration.seconds(90)
  private static let crashMark = "MEDULLA_UNRELIABLE_ADAPTER_LOG"

  public let plan: SoakPlan
  private let models: String
  private let executable: String

  /// - Parameter models: the directory of the shipped network.
  public init(_ plan: SoakPlan, models: String, executable: String = LinkEmulator.ownExecutable) throws {
    try plan.validate()
    self.plan = plan
    self.models = models
    self.executable = SlowPath.resolve(executable)
  }

  public func run(tell: (SoakLook, Result) throws -> Void) throws -> Result {
    let directory = FileManager.default.temporaryDirectory.appendingPathComponent("medulla-soak-\(getpid())")
    try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: directory) }
    let bundle = directory.appendingPathComponent("aurora.medulla").path
    try ShippedNetwork.compile(from: models, to: bundle, executable: executable)
    let instance = try ExperimentInstance("soak", snapshot: DatapathSnapshot(SnapshotBundle.open(bundle)))
    defer { instance.detach() }
    let crashes = directory.appendingPathComponent("crashes").path
    var settings = plan.slowPath
    settings.adapter = [
      "kind = \"command\"",
      "argv = [\"\(executable)\", \"experiment\", \"unreliable-adapter\", "
        + "\"--chance\", \"\(plan.crashChance)\", \"--crashes\", \"\(crashes)\"]",
    ]
    let slowPath = try SlowPath(
      name: instance.name, bundle: bundle, settings: settings, executable: executable)
    defer { slowPath.end() }
    return try LinkEmulator.with(plan.cell.link(seed: plan.seed), executable: executable) { link in
      try slowPath.start()
      var flowPlan = ShortFlows.Plan(congestion: instance.congestion)
      flowPlan.interval = plan.flowInterval
      flowPlan.bytes = plan.flowBytes
      flowPlan.seed = plan.seed
      let flows = try ShortFlows(flowPlan, over: link)
      defer { flows.stop() }
      var result = Result("soak", plan: plan, method: Self.method, verdict: SoakVerdict([], complete: false))
      try soak(instance, slowPath, flows, &result, crashes: crashes, tell: tell)
      return result
    }
  }

  private func soak(
    _ instance: ExperimentInstance, _ slowPath: SlowPath, _ flows: ShortFlows, _ result: inout Result,
    crashes: String, tell: (SoakLook, Result) throws -> Void
  ) throws {
    let begin = ContinuousClock.now
    func seconds() -> Double { (ContinuousClock.now - begin).inSeconds }
    var history = SoakHistory(begin: Date())
    var (kills, nextKill, nextLook) = ([Double](), plan.killEvery, 0.0)
    var ledger = FlowLedger()
    while seconds() < Double(plan.seconds + plan.aloneSeconds) {
      if seconds() >= nextLook {
        nextLook += plan.lookEvery
        let look = try look(at: seconds(), instance, slowPath, flows.read(), kills: kills.count, &ledger)
        result.runs.append(look)
        result.verdict = SoakVerdict(
          result.runs, completion: flows.completionSeconds(), adapterCrashes: Self.lines(crashes),
          complete: false)
        try tell(look, result)
      }
      if seconds() >= nextKill, seconds() < Double(plan.seconds) {
        nextKill += plan.killEvery
        kills.append(seconds())
        slowPath.kill()
        try history.read(slowPath, executable: executable)
        try slowPath.start()
      }
      try Interruption.sleep(.milliseconds(100))
    }
    let counts = try flows.finish(within: Self.drain)
    // The last sockets leave the kernel a little after they are closed.
    let deadline = ContinuousClock.now + Self.drain
    while try instance.status().slots.contains(where: { $0.flows > 0 }), ContinuousClock.now < deadline {
      try Interruption.sleep(.milliseconds(200))
    }
    let look = try look(at: seconds(), instance, slowPath, counts, kills: kills.count, &ledger)
    result.runs.append(look)
    let stop = seconds()
    slowPath.stop()
    try history.read(slowPath, executable: executable)
    let looks = result.runs
    let rollouts = SoakRollouts(
      history.records, interruptions: kills + [stop],
      // What was attached at first was never promoted.
      active: zip(looks, looks.dropFirst()).filter {
        $0.version != $1.version && $1.version != looks[0].version
      }
      .map { (version: $1.version, since: $0.time, time: $1.time) },
      window: SoakPlan.watchSeconds)
    result.verdict = SoakVerdict(
      looks, completion: flows.completionSeconds(), adapterCrashes: Self.lines(crashes),
      expectedKills: Int(Double(plan.seconds) / plan.killEvery) - 1,
      ending: SoakEnding(try instance.status(), rollouts: rollouts), complete: plan.isComplete)
    try tell(look, result)
  }

  private func look(
    at time: Double, _ instance: ExperimentInstance, _ slowPath: SlowPath, _ counts: ShortFlows.Counts,
    kills: Int, _ ledger: inout FlowLedger
  ) throws -> SoakLook {
    let status = try instance.status()
    ledger.note(
      status.slots.map { ($0.version, Int(clamping: $0.flowsTaken) - Int(clamping: $0.flowsMoved)) })
    func sum(_ value: (CongestionStatus.Slot) -> UInt64) -> Int {
      Int(clamping: status.slots.reduce(0) { $0 &+ value($1) })
    }
    return SoakLook(
      time: time, flows: counts, held: sum(\.flows), taken: ledger.total,
      version: Int(clamping: status.slots.first { $0.state == .active }?.version ?? 0),
      samples: Int(clamping: status.samples), samplesDropped: Int(clamping: status.samplesDropped),
      daemonBytes: slowPath.identifier.flatMap { ProcessorTimes.residentBytes($0) },
      kernelBytes: SoakMemory.kernelBytes(), kills: kills)
  }

  private static func lines(_ path: String) -> Int {
    ((try? String(contentsOfFile: path, encoding: .utf8)) ?? "").split(separator: "\n").count
  }
}

extension ExperimentResult where Plan == SoakPlan, Run == SoakLook, Verdict == SoakVerdict {
  /// Flows, memory and versions over time.
  public var plots: PlotSheet {
    let x = PlotAxis("seconds")
    func line(_ name: String, _ color: Int, _ value: (SoakLook) -> Double?) -> Plot.Series {
      Plot.Series(name, color: color, points: runs.map { Plot.Point($0.time, value($0) ?? .nan) })
    }
    return PlotSheet([
      Plot(
        "Flows complete and broken", x: x, y: PlotAxis("flows"),
        series: [
          line("complete", 2) { Double($0.flows.completed) }, line("broken", 1) { Double($0.flows.broken) },
        ]),
      Plot(
        "Flows under way", x: x, y: PlotAxis("flows"),
        series: [
          line("begun, not complete", 4) { Double($0.flows.begun - $0.flows.completed - $0.flows.broken) },
          line("held by slots", 0) { Double($0.held) },
        ]),
      Plot(
        "Memory", x: x, y: PlotAxis("MiB"),
        series: [
          line("daemon", 0) { $0.daemonBytes.map { Double($0) / 1_048_576 } },
          line("kernel", 3) { Double($0.kernelBytes) / 1_048_576 },
        ]),
      Plot(
        "Version of the active snapshot", x: x, y: PlotAxis("version"),
        series: [line("version", 2) { Double($0.version) }]),
    ])
  }
}
