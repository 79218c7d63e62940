import TestbedLink
import TestbedMeasures

extension Consistency {
  private static let on = consistent(true)
  private static let off = consistent(false)

  /// With consistency on, an update changes nothing of what the flows that run do. The margin is that of the
  /// queue in `updates`.
  private static let unchanged = Equivalence(
    "consistent: mean queues after the update and before", queueAfter, queueBefore, [on], within: .part(0.1))
  private static let changed = Figure.mean("not consistent: mean queue after over before", queueRatio, off)

  static let study = Study(
    "consistency", "Replace the snapshot under flows that run, with flow consistency on and off.",
    discussion: """
      Four flows, an update, and four more; which snapshot each flow runs, and what it makes of it. Needs \
      root; five minutes, --quick one.
      """,
    method: """
      Two snapshots of one shape, the shipped network with 3 taken from its output and with 3 added to it \
      (of a range of 15), so that flows of the second keep a longer queue. Flows run on the first; it is \
      replaced; as many flows begin. In twenty looks after the update, and twenty after the later flows' \
      start, each flow that decides is read from the kernel: its slot, its last action, and the features \
      that it came from, as far as no newer interval has ended. The interpreter makes both snapshots' \
      actions of these features: bit for bit one of them is the flow's. The queue is the mean wait in the \
      emulated bottleneck before the update and after it, while only the first flows run. LiteFlow's flow \
      cache (§3.4) is flow consistency.
      """,
    keys: [
      consistent, flows, shift, start, span, Common.rateMbps, Common.rttMs, Common.bufferBdp.with(4),
      Common.repeats.with(5),
    ],
    quick: { ($0[start], $0[span], $0[Common.repeats]) = (4, 2, 1) },
    cells: { [StudyCell].one.times(consistent, $0) },
    check: { plan in
      try Study.require(
        plan[span] >= 1 && seconds(plan) <= 3_600, "The plan's parts are out of range.",
        remedy: "Use shorter ones.")
      try link(plan, round: 0).validate()
    }, course: .trials(.shuffled, prepare),
    metrics: [kept, oldBits, newBits, fresh, checked, queueBefore, queueAfter],
    figures: [
      .fewest("actions changed by the update, of their range", change, places: 3),
      .sum("actions that are not of the flow's own snapshot", wrong), changed, unchanged.figure,
    ],
    bounds: [
      // LiteFlow's α (§3.3): what changes outputs by less is no update.
      Bound("actions changed by the update, of their range", .atLeast(0.05), .ours),
      Bound(each: kept, on, to: .atLeast(1), .ours), Bound(each: kept, off, to: .atMost(0), .ours),
      Bound(each: oldBits, on, to: .atLeast(1), .ours), Bound(each: oldBits, off, to: .atMost(0), .ours),
      Bound(each: newBits, off, to: .atLeast(1), .ours), Bound(each: newBits, on, to: .atMost(0), .ours),
      Bound(each: fresh, to: .atLeast(1), .ours), Bound(each: checked, to: .atLeast(20), .ours),
      Bound("actions that are not of the flow's own snapshot", .atMost(0), .ours),
      // Without it the two networks would be told apart by nothing that a flow does.
      Bound(changed.name, .atLeast(1.2), .ours, by: .interval), unchanged.bound(),
    ],
    plots: [
      .bars("First flows on their snapshot after the update", kept, range: 0...1),
      .bars("Mean queue after over before", queueRatio, mark: .dots),
    ])
}
