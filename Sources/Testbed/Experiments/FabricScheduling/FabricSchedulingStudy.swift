import TestbedLink
import TestbedMeasures

extension FabricScheduling {
  /// The upper end of a ratio's interval, paired by seed; nil of a single one.
  private static func upper(
    _ name: String, _ size: SizeClass, _ event: Event, _ scheme: Scheme, over other: Scheme
  ) -> Figure {
    Figure(name) { runs in
      let ratio = runs.ratio(
        size.milliseconds.mean, [events(event.rawValue), schemes(scheme.rawValue)],
        over: [events(event.rawValue), schemes(other.rawValue)])
      return ratio.flatMap { ratio in ratio.half.map { Estimate(ratio.value + $0) } }
    }
  }

  private static func ratio(
    _ name: String, _ size: SizeClass, _ event: Event, _ scheme: Scheme, over other: Scheme
  ) -> Figure {
    .ratio(
      name, size.milliseconds.mean, events(event.rawValue), schemes(scheme.rawValue),
      over: events(event.rawValue), schemes(other.rawValue))
  }

  /// A claim about two schemes: the ratio with its interval, and its upper end, which is bounded.
  private struct Claim {
    let event: Event
    let size: SizeClass
    let scheme: Scheme
    let other: Scheme
    let most: Double
    var judged = true
    var explanation = ""

    var name: String {
      let place = event == .steady ? "" : "\(event.rawValue): "
      return "\(place)\(size.rawValue) flows, \(scheme.rawValue) over \(other.rawValue)"
    }
    var upperName: String { name + ", upper end" }
  }

  private static let mistaken = """
    A kind and a pair's history tell about half of the bands. A short flow that is taken for a longer one \
    waits behind the others of that band, and nothing promotes it; counting bytes makes no such mistake.
    """
  private static let counted = """
    A flow that begins in the first band leaves it after its first 2.5 kB, so that little stands before a \
    short flow whatever is predicted; a wrong prediction only makes it wait.
    """

  /// Written before anything was measured, the explanations afterwards. The first is the issue's, the others
  /// ours.
  private static let claims: [Claim] = [
    Claim(event: .steady, size: .short, scheme: .kernel, other: .trueSize, most: 1.1, explanation: mistaken),
    Claim(event: .steady, size: .short, scheme: .kernel, other: .fifo, most: 0.9),
    Claim(event: .steady, size: .middle, scheme: .kernel, other: .fifo, most: 1),
    Claim(event: .steady, size: .long, scheme: .kernel, other: .fifo, most: 1.1),
    Claim(event: .steady, size: .short, scheme: .kernel, other: .userSpace, most: 1.05),
    Claim(event: .steady, size: .middle, scheme: .kernel, other: .userSpace, most: 1.05, judged: false),
    Claim(event: .steady, size: .long, scheme: .kernel, other: .userSpace, most: 1.05, judged: false),
    Claim(event: .steady, size: .short, scheme: .kernel, other: .bytesSent, most: 1, explanation: counted),
    Claim(event: .steady, size: .middle, scheme: .kernel, other: .bytesSent, most: 1, judged: false),
    Claim(event: .steady, size: .long, scheme: .kernel, other: .bytesSent, most: 1, judged: false),
    Claim(event: .spine, size: .short, scheme: .kernel, other: .trueSize, most: 1.1, explanation: mistaken),
    Claim(event: .spine, size: .short, scheme: .kernel, other: .fifo, most: 0.9),
    Claim(event: .drift, size: .short, scheme: .adapting, other: .kernel, most: 0.9),
    Claim(event: .drift, size: .middle, scheme: .adapting, other: .kernel, most: 1, judged: false),
  ]

  private static let unfinishedFlows = "flows unfinished"
  private static let leastUpdates = "snapshots put in while adapting, least"

  static let study = Study(
    "scheduling", "Completion times in a fabric of namespaces, by who gives flows their priority.",
    discussion: """
      Needs root, tc with HTB, clang, and the web-search flow sizes; --sizes FILE names others. Half an \
      hour, --quick a minute.
      """,
    method: """
      2 leaves, 2 spines and 8 hosts are network namespaces; hosts' links have 25 Mbit/s and leaves' links \
      to spines 50, each port is shaped by HTB with a bounded queue for each band, and leaves hash addresses \
      and ports over both spines. Open-loop Poisson arrivals at 60% of the hosts' links by the web-search \
      sizes, divided by `scale` as are the limits of classes and bands; a flow's kind says the length of \
      its first write, and pairs of hosts have phases, so that sizes can be predicted in part. Time is from \
      before the connection (and before a question to user space) until the receiver has read the last byte; \
      CUBIC, least retransmission time 10 ms. The network (5-5-5-1) learns from flows that the kernel told \
      of two other seeds, and is the same for `kernel` and `user-space`. `bytes-sent` has a network that \
      says "small" of all, and demotion. With `spine` one of two is dead from 35 to 70% of the run; with \
      `drift` kinds change places at 30%, and flows that begin after 60% count. Ratios are of means, paired \
      by seed, with 95% intervals; what is bounded is the interval's upper end.
      """,
    keys: [
      events, schemes, load, hostMbps, fabricMbps, queueBytes, scale, Common.seconds.with(8), driftSeconds,
      trainingSeconds, starts, epochs, sizes, Common.repeats.with(10),
    ],
    quick: { plan in
      plan[events] = [Event.steady.rawValue]
      plan[schemes] = [Scheme.fifo, .trueSize, .kernel].map(\.rawValue)
      (plan[Common.seconds], plan[Common.repeats], plan[trainingSeconds]) = (5, 1, 5)
      (plan[starts], plan[epochs]) = (1, 30)
    }, cells: cells, check: check,
    course: .trials(.shuffled) { plan, context in
      let run = try FabricSchedulingRun(plan, context)
      return { cell, round in try run.measure(cell, round: round) }
    },
    metrics: SizeClass.allCases.flatMap { [$0.milliseconds.mean, $0.milliseconds.p99] }
      + [rightBand, answer, updates, FlowMetrics.dropped, completed, late, FlowMetrics.busy],
    figures: claims.flatMap { claim in
      [
        ratio(claim.name, claim.size, claim.event, claim.scheme, over: claim.other),
        upper(claim.upperName, claim.size, claim.event, claim.scheme, over: claim.other),
      ]
    } + [
      .sum("flows completed", completed), .sum(unfinishedFlows, unfinished),
      .fewest(leastUpdates, updates, schemes(Scheme.adapting.rawValue)),
    ],
    bounds: claims.map {
      Bound($0.upperName, .atMost($0.most), .ours, judged: $0.judged, explanation: $0.explanation)
    } + [
      Bound("flows completed", .atLeast(1), .ours),
      Bound(
        unfinishedFlows, .atMost(0), .ours,
        explanation: """
          The longest flows need up to ten seconds in the last band of a busy link, and one that is not \
          complete after 15 s is given up.
          """),
      Bound(leastUpdates, .atLeast(1), .ours),
    ],
    plots: SizeClass.allCases.map {
      .bars("\($0.rawValue) flows, mean completion time", $0.milliseconds.mean, by: schemes.part)
    })
}
