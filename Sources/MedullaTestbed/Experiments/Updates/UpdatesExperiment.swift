import Foundation
import MedullaDatapath

/// The experiment `updates`: snapshots replaced under running flows, against the same flows left alone.
public struct UpdatesExperiment {
  public typealias Result = ExperimentResult<UpdatesPlan, UpdatesPhase, UpdatesVerdict>

  static let method = """
    Phases without and with updates by turns, under the same iperf3 flows over one emulated link. Flow \
    consistency is off: each update changes the snapshot that every flow runs, at its next ACK. Each update \
    stages one of several snapshots of one shape (the shipped network, its output scaled by less than 1%) \
    and promotes it; the promotion's time is the whole call, from opening the pins to the status that it \
    returns, so the snapshot is active before it ends; where the kernel allows it, the call has real-time \
    priority, so that the time is the work's own. Retransmissions are TCP's own counts (ss) at the \
    phases' ends. Decision times are taken in the kernel around each inference and read once a second; \
    phases' means, and their 99th percentiles over seconds, are compared by a two-sided permutation test. \
    A slot is written again one second after it was retired, which limits the pace.
    """

  public let plan: UpdatesPlan
  private let models: String
  private let executable: String

  /// - Parameter models: the directory of the shipped network.
  public init(
    _ plan: UpdatesPlan, models: String, executable: String = LinkEmulator.ownExecutable
  ) throws {
    try plan.validate()
    self.plan = plan
    self.models = models
    self.executable = executable
  }

  /// Runs the phases; `tell` hears each as it ends, with the result so far.
  public func run(tell: (_ done: Int, _ of: Int, UpdatesPhase, Result) throws -> Void) throws -> Result {
    let (family, network) = try SnapshotFamily.shipped(directory: models)
    let snapshots = try (0..<plan.snapshots).map { index in
      try family.datapath(network.scalingOutput(by: 1 + 0.0005 * Float(index)), name: "update \(index)")
    }
    let instance = try ExperimentInstance(
      "upd", snapshot: snapshots[0], configuration: CongestionConfiguration(measures: true))
    defer { instance.detach() }
    try CongestionControl.setConsistency(name: instance.name, false)
    var result = Result(
      "updates", plan: plan, method: Self.method, verdict: UpdatesVerdict([], complete: false))
    try LinkEmulator.with(plan.cell.link(seed: 1), executable: executable) { link in
      let transfer = try Transfer(
        .init(congestion: instance.congestion, flows: plan.flows, seconds: plan.transferSeconds), over: link)
      defer { transfer.end() }
      try Interruption.sleep(.seconds(plan.warmUp))
      try link.beginWindow()
      var course = UpdatesCourse(plan: plan, instance: instance, link: link, snapshots: snapshots)
      var phases: [UpdatesPhase] = []
      for index in 0..<(2 * plan.pairs) {
        let phase = try course.run(index, updating: index % 2 == 1)
        phases.append(phase)
        result.runs = phases
        result.verdict = UpdatesVerdict(phases, complete: false)
        try tell(phases.count, 2 * plan.pairs, phase, result)
      }
      transfer.end()
      result.runs = try Self.completed(phases, windows: link.stop().forward.windows)
    }
    result.verdict = UpdatesVerdict(result.runs, complete: plan.isComplete)
    return result
  }

  /// Adds what only the link's report says. Its first window is the warm-up; the others are the phases.
  private static func completed(_ phases: [UpdatesPhase], windows: [PathWindow]) throws -> [UpdatesPhase] {
    guard windows.count > phases.count else {
      throw TestbedError(
        .linkFailed, "The link recorded \(windows.count) windows for \(phases.count) phases.",
        remedy: "Run again; report this if it comes back.")
    }
    return phases.enumerated().map { index, phase in
      var phase = phase
      let window = windows[index + 1]
      phase.dropped = window.droppedSegments
      phase.queueingDelayMeanMs = window.queueingDelay.meanMilliseconds
      phase.fellBehind = window.fellBehind
      return phase
    }
  }
}
