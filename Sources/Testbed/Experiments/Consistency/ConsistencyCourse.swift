import MedullaCompile
import MedullaDatapath
import MedullaSnapshot
import TestbedLink
import TestbedMeasures
import TestbedWorkload

/// One trial of the study `consistency`: flows that run, an update under them, and flows that begin after it.
struct ConsistencyCourse {
  /// Looks of one part, evenly over it.
  private static let looks = 20
  /// For what is under way when the snapshot changes.
  private static let settling = Duration.seconds(1)
  /// New flows have left the controller's start by then.
  private static let beginning = Duration.seconds(3)

  let plan: StudyPlan
  let snapshots: Consistency.Snapshots
  let executable: String
  private let interpreters: (first: ReferenceInterpreter, second: ReferenceInterpreter)
  private let datapath: (first: DatapathSnapshot, second: DatapathSnapshot)

  init(plan: StudyPlan, snapshots: Consistency.Snapshots, executable: String) throws {
    (self.plan, self.snapshots, self.executable) = (plan, snapshots, executable)
    interpreters = (ReferenceInterpreter(snapshots.first), ReferenceInterpreter(snapshots.second))
    datapath = (
      try DatapathSnapshot(compiling: SnapshotFile(snapshots.first), name: "first"),
      try DatapathSnapshot(compiling: SnapshotFile(snapshots.second), name: "second")
    )
  }

  func run(consistent: Bool, round: Int) throws -> Reading {
    let instance = try ExperimentInstance(
      "con", snapshot: datapath.first, settings: InstanceSettings(isConsistent: consistent))
    defer { instance.detach() }
    return try LinkEmulator.with(Consistency.link(plan, round: round), executable: executable) { link in
      let old = try Transfer(
        .init(
          congestion: instance.congestion, flows: plan[Consistency.flows],
          seconds: Consistency.seconds(plan)),
        over: link)
      defer { old.end() }
      try Interruption.sleep(.seconds(plan[Consistency.start]))
      try link.beginWindow()
      let first = try instance.activeSlot()
      try Interruption.sleep(.seconds(plan[Consistency.span]))
      try link.beginWindow()
      try instance.update(datapath.second)
      let slots = (first: first, second: try instance.activeSlot())
      try Interruption.sleep(Self.settling)
      try link.beginWindow()
      let after = try look(instance, slots)
      try link.beginWindow()
      let new = try Transfer(
        .init(
          congestion: instance.congestion, flows: plan[Consistency.flows],
          seconds: plan[Consistency.span] + 6, port: Iperf3.port + 1), over: link)
      defer { new.end() }
      try Interruption.sleep(Self.beginning)
      let later = try look(instance, slots)
      new.end()
      old.end()
      return try reading(after, later, slots, windows: link.stop().forward.windows)
    }
  }

  /// Looks over one part.
  private func look(
    _ instance: ExperimentInstance, _ slots: (first: Int, second: Int)
  ) throws -> [ConsistencyLook] {
    let pause = Duration.seconds(plan[Consistency.span]) / Self.looks
    return try (0..<Self.looks).map { _ in
      try Interruption.sleep(pause)
      return ConsistencyLook(
        try instance.flows(), slots: (first: slots.first, second: slots.second), interpreters)
    }
  }

  /// The link's windows are the start, the time before the update, what settles, the time after it, and the
  /// rest.
  private func reading(
    _ after: [ConsistencyLook], _ later: [ConsistencyLook], _ slots: (first: Int, second: Int),
    windows: [PathWindow]
  ) throws -> Reading {
    guard windows.count >= 5 else {
      throw TestbedError(
        .linkFailed, "The link recorded \(windows.count) windows instead of 5.",
        remedy: "Run again; report this if it comes back.")
    }
    func sum(_ looks: [ConsistencyLook], _ value: (ConsistencyLook) -> Int) -> Double {
      Double(looks.reduce(0) { $0 + value($1) })
    }
    let (deciding, checked) = (sum(after, \.deciding), sum(after, \.checked))
    let own = Double(plan[Consistency.flows] * Self.looks)
    // What the first flows have there since the update is not the later flows'.
    let fresh = (sum(later) { $0.on(slots.second) } - sum(after) { $0.on(slots.second) }) / own
    let (before, behind) = (
      windows[1].queueingDelay.meanMilliseconds, windows[3].queueingDelay.meanMilliseconds
    )
    let all = after + later
    var reading = Reading([
      Consistency.kept: deciding > 0 ? sum(after) { $0.on(slots.first) } / own : nil,
      Consistency.oldBits: checked > 0 ? sum(after, \.first) / checked : nil,
      Consistency.newBits: checked > 0 ? sum(after, \.second) / checked : nil,
      Consistency.fresh: fresh, Consistency.checked: sum(all, \.checked),
      Consistency.wrong: sum(all, \.wrong),
      Consistency.change: snapshots.change, Consistency.queueBefore: before, Consistency.queueAfter: behind,
      Consistency.queueRatio: before > 0 ? behind / before : nil,
    ])
    if deciding == 0 { reading.faults.append("no flow decided") }
    if windows[1].fellBehind || windows[3].fellBehind { reading.faults.append(Reading.late) }
    return reading
  }
}
