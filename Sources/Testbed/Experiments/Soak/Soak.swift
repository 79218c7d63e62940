import Foundation
import MedullaBase
import MedullaDatapath
import MedullaSnapshot
import TestbedLink
import TestbedMeasures
import TestbedWorkload

/// A flow every moment, a network that is replaced, an adapter that crashes, a daemon that is killed: the
/// study `soak`.
enum Soak {
  static let duration = Setting(
    "duration_seconds", 1_800, .atLeast, in: 5...864_000, "Seconds in which the daemon is killed.")
  /// In a minute a daemon only fills its caches, among which a leak would not show.
  static let alone = Setting(
    "alone_seconds", 360, .atLeast, in: 0...86_400, "Seconds in which the daemon lives on after the kills.")
  static let flowInterval = Setting(
    "flow_interval", 0.05, .atMost, in: 0.001...60, "Seconds between two flows.")
  static let flowBytes = Axis("flow_bytes", "flow_bytes", [20_000, 1_000_000], in: 1...1_073_741_824)
  static let killEvery = Setting("kill_every", 60.0, .atMost, in: 2...86_400, "Seconds between two kills.")
  static let crashChance = Setting(
    "crash_chance", 0.02, .atLeast, in: 0...1, "Chance that the adapter crashes in one round of learning.")
  static let lookEvery = Setting(
    "look_every", 5.0, .anything, in: 0.5...600, "Seconds between two looks at memory and counts.")

  /// The watch's window.
  static let watchSeconds = 2.0

  // Of each look.
  static let time = Metric("time_s", "time", "s", places: 0)
  static let begun = Metric("begun", "flows begun", places: 0)
  static let connected = Metric("connected", "connections that stood", places: 0)
  static let completed = Metric("completed", "complete, with all their bytes", places: 0)
  static let broken = Metric("broken", "broken", places: 0)
  static let skipped = Metric("skipped", "not begun, too many under way", places: 0)
  static let held = Metric("held", "held by slots", places: 0)
  static let taken = Metric("taken", "that ever took a slot", places: 0)
  static let version = Metric("version", "version of the active snapshot", places: 0)
  static let samples = Metric("samples", "samples", places: 0)
  static let samplesDropped = Metric("samples_dropped", "samples dropped", places: 0)
  static let daemon = Metric("daemon_mib", "daemon", "MiB", places: 1)
  static let kernel = Metric("kernel_mib", "kernel", "MiB", places: 1)
  static let kills = Metric("kills", "kills of the daemon", places: 0)
  static let crashes = Metric("adapter_crashes", "crashes of the adapter", places: 0)
  // Of the end, which the last look has.
  static let left = Metric("left_staged", "left staged or shadowed at the end", places: 0)
  static let promotions = Metric("promotions", "promotions", places: 0)
  static let interrupted = Metric("interrupted", "of them cut off by a kill", places: 0)
  static let unexplained = Metric("unexplained", "without a verdict or a reason", places: 0)
  static let completionSeries = "completion_s"

  static func looks(_ plan: StudyPlan) -> Int {
    Int(Double(plan[duration] + plan[alone]) / plan[lookEvery]) + 1
  }

  static func slowPath(_ executable: String, _ plan: StudyPlan, crashes: String) -> SlowPath.Settings {
    var settings = SlowPath.Settings()
    settings.consistency = true
    // It notes its crashes in a file of the experiment's; it is this very program, and so as safe as this is.
    settings.adapter = [
      "kind: command", "isolation: none",
      "argv: [\"\(executable)\", \"experiment\", \"unreliable-adapter\", "
        + "\"--chance\", \"\(plan[crashChance])\", \"--crashes\", \"\(crashes)\"]",
    ]
    settings.gates = [
      "stability: { window: 3, range: 0.5 }", "necessity: { statistic: mean, alpha: 0.001 }",
      "accuracy: { max_error: 0.05 }", "update_interval: 5s",
    ]
    // A shadow of a second or so, so that some kills leave one behind.
    settings.shadow = ["every: 1", "decisions: 10", "limit: 5s"]
    settings.watch = ["window: \(Int(watchSeconds))s", "loss: 0.5"]
    return settings
  }

  static func measure(
    _ plan: StudyPlan, _ context: StudyContext, _ tell: ([StudyRun]) throws -> Void
  ) throws {
    let scratch = try ScratchDirectory("soak")
    let bundle = scratch.path("aurora.medulla")
    let executable = SlowPath.resolve(context.executable)
    try ShippedNetwork.compile(from: context.models, to: bundle, executable: executable)
    let instance = try ExperimentInstance("soak", snapshot: DatapathSnapshot(SnapshotBundle.open(bundle)))
    defer { instance.detach() }
    let crashes = scratch.path("crashes")
    let slowPath = try SlowPath(
      name: instance.name, bundle: bundle, settings: slowPath(executable, plan, crashes: crashes),
      executable: executable)
    defer { slowPath.stop() }
    let flowCount = Int(Double(plan[duration] + plan[alone]) / plan[flowInterval])
    context.narrate(
      "\(plan[duration]) s with kills and \(plan[alone]) s without, about \(flowCount) flows.")
    try LinkEmulator.with(plan.cell.link(seed: plan.seed), executable: executable) { link in
      try slowPath.start()
      var flowPlan = ShortFlows.Plan(congestion: instance.congestion)
      flowPlan.interval = plan[flowInterval]
      flowPlan.bytes = (plan[flowBytes].min() ?? 1)...(plan[flowBytes].max() ?? 1)
      flowPlan.seed = plan.seed
      let flows = try ShortFlows(flowPlan, over: link)
      defer { flows.stop() }
      var course = SoakCourse(
        plan: plan, instance: instance, slowPath: slowPath, flows: flows, executable: executable,
        crashes: crashes)
      try course.run(tell)
    }
    withExtendedLifetime(scratch) {}
  }
}
