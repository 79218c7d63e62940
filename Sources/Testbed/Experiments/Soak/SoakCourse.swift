import Foundation
import MedullaBase
import MedullaDatapath
import TestbedLink
import TestbedWorkload

/// The soak over a link whose flows come already: kills, looks, and the end.
struct SoakCourse {
  /// How long the last flows may take, and the kernel to let their sockets go.
  private static let drain = Duration.seconds(90)

  let plan: StudyPlan
  let instance: ExperimentInstance
  let slowPath: SlowPath
  let flows: ShortFlows
  let executable: String
  /// The file to which the adapter writes a line before each crash.
  let crashes: String

  let begin = ContinuousClock.now
  private(set) var history = SoakHistory(begin: Date())
  private(set) var ledger = FlowLedger()
  private(set) var kills: [Double] = []
  private(set) var runs: [StudyRun] = []

  private var seconds: Double { (ContinuousClock.now - begin).inSeconds }

  mutating func run(_ tell: ([StudyRun]) throws -> Void) throws {
    var (nextKill, nextLook) = (plan[Soak.killEvery], 0.0)
    while seconds < Double(plan[Soak.duration] + plan[Soak.alone]) {
      if seconds >= nextLook {
        nextLook += plan[Soak.lookEvery]
        try look(flows.read())
        try tell(runs)
      }
      if seconds >= nextKill, seconds < Double(plan[Soak.duration]) {
        nextKill += plan[Soak.killEvery]
        kills.append(seconds)
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
    try look(counts)
    try end()
    try tell(runs)
  }

  private mutating func look(_ counts: FlowCounts) throws {
    let status = try instance.status()
    ledger.note(
      status.slots.map { ($0.version, Int(clamping: $0.flowsTaken) - Int(clamping: $0.flowsMoved)) })
    let crashed = ((try? String(contentsOfFile: crashes, encoding: .utf8)) ?? "").split(separator: "\n").count
    let daemon = slowPath.identifier.flatMap { ProcessorTimes.residentBytes($0) }
    let held = status.slots.reduce(0) { $0 + $1.flows }
    let version = status.slots.first { $0.state == .active }?.version ?? 0
    let reading = Reading([
      Soak.time: seconds, Soak.begun: Double(counts.begun), Soak.connected: Double(counts.connected),
      Soak.completed: Double(counts.completed), Soak.broken: Double(counts.broken),
      Soak.skipped: Double(counts.skipped),
      Soak.held: Double(held), Soak.taken: Double(ledger.total),
      Soak.version: Double(version),
      Soak.samples: Double(status.samples), Soak.samplesDropped: Double(status.samplesDropped),
      Soak.daemon: daemon.map { Double($0) / 1_048_576 },
      Soak.kernel: Double(SoakMemory.kernelBytes()) / 1_048_576, Soak.kills: Double(kills.count),
      Soak.crashes: Double(crashed),
    ])
    runs.append(StudyRun(StudyCell(), round: runs.count, reading))
  }

  /// What was left when the flows were complete and the daemon is stopped, put into the last look.
  private mutating func end() throws {
    let stop = seconds
    slowPath.stop()
    try history.read(slowPath, executable: executable)
    let seen = runs.map { (version: Int($0[Soak.version] ?? 0), time: $0[Soak.time] ?? 0) }
    let rollouts = SoakRollouts(
      history.records, interruptions: kills + [stop],
      // What was attached at first was never promoted.
      active: zip(seen, seen.dropFirst()).filter {
        $0.version != $1.version && $1.version != seen[0].version
      }
      .map { (version: $1.version, since: $0.time, time: $1.time) },
      window: Soak.watchSeconds)
    let status = try instance.status()
    let left = (status.staged == nil ? 0 : 1) + ((status.shadow?.every ?? 0) > 0 ? 1 : 0)
    runs[runs.count - 1].reading.note(rollouts, left: left, completion: flows.completed().map(\.seconds))
  }
}

extension Reading {
  /// The soak's end.
  mutating func note(_ rollouts: SoakRollouts, left: Int, completion: [Double]) {
    self[Soak.left] = Double(left)
    self[Soak.promotions] = Double(rollouts.promotions)
    self[Soak.interrupted] = Double(rollouts.interrupted)
    self[Soak.unexplained] = Double(rollouts.unexplained.count + rollouts.unrecorded.count)
    series[Soak.completionSeries] = completion
    faults += rollouts.unexplained.map { "snapshot \($0): promoted, and no word after" }
    faults += rollouts.unrecorded.map { "snapshot \($0): active, and not written down" }
  }
}
