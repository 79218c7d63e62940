import TestbedLink
import TestbedMeasures

extension FabricPaths {
  /// A claim about two schemes: the ratio with its interval, and its upper end, which is bounded.
  private struct Claim {
    let condition: Condition
    let size: SizeClass
    let scheme: Scheme
    let other: Scheme
    let most: Double
    var judged = true
    var explanation = ""

    var name: String {
      "\(condition.rawValue): \(size.rawValue) flows, \(scheme.rawValue) over \(other.rawValue)"
    }
    var upperName: String { name + ", upper end" }
    private var own: [Match] { [conditions(condition.rawValue), schemes(scheme.rawValue)] }
    private var others: [Match] { [conditions(condition.rawValue), schemes(other.rawValue)] }

    /// The ratio, paired by seed, and the upper end of its interval; nil of a single one.
    var figures: [Figure] {
      let (metric, own, others) = (size.milliseconds.mean, own, others)
      return [
        Figure(name) { $0.ratio(metric, own, over: others) },
        Figure(upperName) { runs in
          let ratio = runs.ratio(metric, own, over: others)
          return ratio.flatMap { ratio in ratio.half.map { Estimate(ratio.value + $0) } }
        },
      ]
    }
  }

  private static let foretelling = """
    What a flow will cost is hard to foretell from what is known of paths when it begins; most of it, we \
    think, is the flow's own size. The network puts as few flows on the slow spine as the rule "least round \
    trip" does.
    """
  private static let shortRuns = """
    A run has five seconds: three snapshots came, and what they changed is within the runs' own spread.
    """
  private static let lateEvidence = """
    Leaves see the carrier go at once; hosts need evidence, and a lost SYN gives it after a second.
    """

  /// Written before anything was measured, the explanations afterwards.
  private static let claims: [Claim] = [
    Claim(
      condition: .uneven, size: .long, scheme: .kernel, other: .ecmp, most: 0.9, explanation: foretelling),
    Claim(condition: .uneven, size: .middle, scheme: .kernel, other: .ecmp, most: 1),
    Claim(condition: .uneven, size: .short, scheme: .kernel, other: .ecmp, most: 1, judged: false),
    Claim(condition: .even, size: .long, scheme: .kernel, other: .ecmp, most: 1.05),
    Claim(condition: .even, size: .short, scheme: .kernel, other: .ecmp, most: 1.05, judged: false),
    Claim(
      condition: .uneven, size: .long, scheme: .kernel, other: .hash, most: 0.9, explanation: foretelling),
    Claim(
      condition: .uneven, size: .long, scheme: .kernel, other: .leastRtt, most: 1, explanation: foretelling),
    Claim(condition: .even, size: .long, scheme: .kernel, other: .leastRtt, most: 1.05, judged: false),
    Claim(
      condition: .uneven, size: .long, scheme: .adapting, other: .kernel, most: 1, explanation: shortRuns),
    Claim(
      condition: .spine, size: .long, scheme: .kernel, other: .ecmp, most: 1.05, judged: false,
      explanation: lateEvidence),
  ]

  private static let unfinishedFlows = "flows unfinished"
  private static let leastUpdates = "snapshots put in while adapting, least"
  private static let latest = "last packet on a dead path, ms beyond a round trip, worst"

  static let study = Study(
    "paths", "Completion times in a fabric of namespaces, by who chooses a flow's spine.",
    discussion: """
      Needs root, tc with HTB, clang, a kernel with segments of IPv6, and the web-search flow sizes; \
      --set sizes=FILE names others. Half an hour, --quick a minute.
      """,
    method: """
      2 leaves, 2 spines and 8 hosts are network namespaces; hosts' links have 25 Mbit/s and leaves' links \
      to spines 50, each port is shaped by HTB with one bounded queue. Open-loop Poisson arrivals at 60% of \
      the hosts' links by the web-search sizes, divided by `scale` as are the classes' limits; CUBIC, least \
      retransmission time 10 ms. With `ecmp` leaves hash addresses and ports. With the others each host puts \
      its flows to the other leaf on a path by a header of IPv6 to a segment of one spine (40 bytes a \
      packet, MTU 1,460), which takes it off; flows between hosts of one leaf have no choice. The network \
      (8-12-12-2, the inputs of examples/paths) learns from flows on paths by chance, of three other seeds: \
      all spines alike, the first one slow, the second one slow. One flow of 16 explores. With `uneven` the \
      first spine has a third of its rate; with `spine` it is dead from 35 to 70% of the run; with \
      `silence`, apart, what one host sends over a spine is lost without a word, and the time is from the \
      evidence to the last packet of any flow, datagrams included, the look before the one that saw it, \
      every 0.1 ms or so. Ratios are of means, paired by seed, with 95% intervals; what is bounded is the \
      interval's upper end.
      """,
    keys: [
      conditions, schemes, FabricScheduling.load, FabricScheduling.hostMbps, FabricScheduling.fabricMbps,
      FabricScheduling.queueBytes, FabricScheduling.scale, share, Common.seconds.with(5), trainingSeconds,
      FabricScheduling.starts, FabricScheduling.epochs, FabricScheduling.sizes, Common.repeats.with(10),
    ],
    quick: { plan in
      plan[conditions] = [Condition.uneven, .silence].map(\.rawValue)
      plan[schemes] = [Scheme.ecmp, .kernel].map(\.rawValue)
      (plan[Common.seconds], plan[Common.repeats], plan[trainingSeconds]) = (3, 1, 3)
      (plan[FabricScheduling.starts], plan[FabricScheduling.epochs]) = (1, 10)
    }, cells: cells, check: check,
    course: .trials(.shuffled) { plan, context in
      let run = try FabricPathsRun(plan, context)
      return { cell, round in try run.measure(cell, round: round) }
    },
    metrics: SizeClass.allCases.flatMap { [$0.milliseconds.mean, $0.milliseconds.p99] }
      + [
        firstSpine, left, slowest, evidence, leaving, roundTrip, beyond, resolution, updates,
        FlowMetrics.dropped,
      ]
      + [completed, unfinished, late, FlowMetrics.busy],
    figures: claims.flatMap(\.figures) + [
      .sum("flows completed", completed), .sum(unfinishedFlows, unfinished),
      .most(latest, beyond, places: 2), .fewest(leastUpdates, updates, schemes(Scheme.adapting.rawValue)),
    ],
    bounds: claims.map {
      Bound($0.upperName, .atMost($0.most), .ours, judged: $0.judged, explanation: $0.explanation)
    } + [
      Bound("flows completed", .atLeast(1), .ours), Bound(unfinishedFlows, .atMost(0), .ours),
      Bound(latest, .atMost(10), .ours), Bound(leastUpdates, .atLeast(1), .ours),
    ],
    plots: SizeClass.allCases.map {
      .bars("\($0.rawValue) flows, mean completion time", $0.milliseconds.mean, by: schemes.part)
    })
}
