import MedullaCompile
import MedullaCongestion
import MedullaDatapath
import MedullaModel
import MedullaSnapshot
import TestbedLink
import TestbedMeasures
import TestbedWorkload

/// A snapshot is replaced under flows that run, and others begin after it, with flow consistency on and off
/// (LiteFlow §3.4): the study `consistency`.
enum Consistency {
  static let consistent = Axis(
    "consistent", "consistent", [true, false], "Whether a flow keeps the snapshot with which it began."
  ).titled { $0 ? "consistent" : "not consistent" }
  static let flows = Setting("flows", 4, .atLeast, in: 1...32, "Flows before the update, and as many after.")
  static let shift = Setting(
    "shift", 3.0, .atLeast, in: 0...9,
    "The first snapshot's output is so much less than the shipped network's, the second's so much more.")
  static let start = Setting(
    "start_seconds", 6, .atLeast, in: 1...600, "Of the first flows, before anything counts, in seconds.")
  /// Each longer than flows take to settle at a new rate, some tens of round trips.
  static let span = Setting("span_seconds", 4, .atLeast, in: 1...600, "Of each measured part, in seconds.")

  static let kept = Metric("kept", "first flows on their snapshot after the update")
  static let oldBits = Metric("old_bits", "first flows' actions that are the first snapshot's")
  static let newBits = Metric("new_bits", "first flows' actions that are the second snapshot's")
  static let fresh = Metric("fresh", "later flows on the second snapshot")
  static let checked = Metric("actions_checked", "actions checked", places: 0)
  static let wrong = Metric("actions_wrong", "actions that are not of the flow's own snapshot", places: 0)
  static let change = Metric("action_change", "change of actions by the update, of their range")
  static let queueBefore = Metric("queue_before_ms", "mean queue before the update", "ms", places: 2)
  static let queueAfter = Metric("queue_after_ms", "mean queue after the update", "ms", places: 2)
  static let queueRatio = Metric("queue_ratio", "mean queue after over before")

  /// The two networks of the study, and how much they differ.
  struct Snapshots {
    let first: Snapshot
    let second: Snapshot
    let change: Double

    init(_ plan: StudyPlan, models: String) throws {
      let (network, samples) = try ShippedNetwork.read(models)
      let shift = Float(plan[Consistency.shift])
      let family = try SnapshotFamily(network, samples: samples)
      let networks = try [-shift, shift].map { try network.scalingOutput(by: 1, shiftedBy: $0) }
      (first, second) = (try family.snapshot(networks[0]), try family.snapshot(networks[1]))
      change = try family.changes(networks).first ?? 0
    }
  }

  static func link(_ plan: StudyPlan, round: Int) -> LinkConfiguration {
    plan.cell.link(seed: plan.seed(round: round))
  }

  /// Of a transfer, so that the flows outlive all looks.
  static func seconds(_ plan: StudyPlan) -> Int { plan[start] + 4 * plan[span] + 8 }

  static func prepare(_ plan: StudyPlan, _ context: StudyContext) throws -> Study.Trial {
    let snapshots = try Snapshots(plan, models: context.models)
    let course = try ConsistencyCourse(plan: plan, snapshots: snapshots, executable: context.executable)
    return { cell, round in try course.run(consistent: cell[consistent], round: round) }
  }
}

/// What a look at an instance's flows tells, of those that decide: iperf3's receiving ends and its control
/// connections hold a slot too, and never ask.
struct ConsistencyLook: Equatable {
  /// Deciding flows, by their slot.
  var flows: [Int: Int] = [:]
  /// Actions whose features are known still, those that the first snapshot makes of them, and the second.
  var checked = 0
  var first = 0
  var second = 0
  /// Actions that are not what the flow's own slot makes of the features.
  var wrong = 0

  /// - Parameter slots: the two snapshots' slots.
  init(
    _ seen: [CongestionFlow], slots: (first: Int, second: Int?),
    _ snapshots: (first: ReferenceInterpreter, second: ReferenceInterpreter)
  ) {
    for flow in seen where flow.decisions > 0 {
      flows[flow.slot, default: 0] += 1
      guard let features = flow.features else { continue }
      let isFirst = snapshots.first.run(features: features).first == flow.action
      let isSecond = snapshots.second.run(features: features).first == flow.action
      checked += 1
      first += isFirst ? 1 : 0
      second += isSecond ? 1 : 0
      let isOwn = flow.slot == slots.first ? isFirst : flow.slot == slots.second ? isSecond : false
      wrong += isOwn ? 0 : 1
    }
  }

  var deciding: Int { flows.values.reduce(0, +) }
  func on(_ slot: Int?) -> Int { slot.flatMap { flows[$0] } ?? 0 }
}
