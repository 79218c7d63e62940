import TestbedBaselines
import TestbedLink

extension Balancing {
  private static let even = fabrics(BalancingFabric.even.rawValue)
  private static let uneven = fabrics(BalancingFabric.uneven.rawValue)
  private static let kernel = schemes(BalancingScheme.kernel.name)
  private static let userSpace = [BalancingScheme.ring, .char, .netlink]

  /// A gap that the paper reports: how much less time flows take with inference in the kernel than by a char
  /// device.
  private static let paperGaps: [(size: SizeClass, percent: Double)] = [(.short, 34.3), (.long, 56.7)]

  private static func gapName(_ size: SizeClass, _ other: BalancingScheme, _ fabric: BalancingFabric)
    -> String
  {
    "\(fabric.rawValue), \(size.rawValue) flows: kernel below \(other.name) (%)"
  }

  /// Our gap in percent of the other scheme's time, paired by workload.
  private static func gap(_ size: SizeClass, _ other: BalancingScheme, _ fabric: BalancingFabric) -> Figure {
    Figure(gapName(size, other, fabric), places: 2) { runs in
      Estimate(ratios(runs, size, over: other, fabric).map { (1 - $0) * 100 })
    }
  }

  /// Of each workload, the time with inference in the kernel over another scheme's.
  private static func ratios(
    _ runs: StudyRuns, _ size: SizeClass, over other: BalancingScheme, _ fabric: BalancingFabric
  ) -> [Double] {
    let place = fabrics(fabric.rawValue)
    return Set(runs.runs.map(\.round)).sorted().compactMap { round in
      let own = runs.round(round)
      let metric = size.microseconds.mean
      guard let ours = own.mean(metric, [place, kernel]),
        let theirs = own.mean(metric, [place, schemes(other.name)]), theirs > 0
      else { return nil }
      return ours / theirs
    }
  }

  /// The upper end of the ratio's 95% interval: what it is at most, as far as the workloads tell.
  private static func most(_ size: SizeClass, over other: BalancingScheme, _ fabric: BalancingFabric)
    -> Figure
  {
    Figure(mostName(size, over: other, fabric)) { runs in
      // A single workload has no interval, and says nothing.
      Estimate(ratios(runs, size, over: other, fabric)).flatMap { ratio in
        ratio.half.map { Estimate(ratio.value + $0) }
      }
    }
  }

  private static func mostName(
    _ size: SizeClass, over other: BalancingScheme, _ fabric: BalancingFabric
  ) -> String {
    "\(fabric.rawValue), \(size.rawValue) flows: kernel over \(other.name), upper end"
  }

  private static let worst = Figure("even: kernel over user space, worst class") { runs in
    userSpace.flatMap { other in
      SizeClass.allCases.compactMap { size in Estimate(ratios(runs, size, over: other, .even)) }
    }.max { $0.upper < $1.upper }
  }

  /// What is judged: against ECMP and against each ablation.
  private static let judged:
    [(size: SizeClass, other: BalancingScheme, fabric: BalancingFabric, most: Double)] = [
      (.long, .ecmp, .even, 1.0), (.short, .ecmp, .even, 1.0), (.long, .kernel.shuffling, .even, 1.0),
      (.long, .ecmp, .uneven, 0.9), (.short, .ecmp, .uneven, 0.9), (.long, .kernel.unadapted, .uneven, 1.0),
      (.long, .kernel.shuffling, .uneven, 0.95), (.long, .leastRoundTrip, .uneven, 1.0),
    ]
  private static let fewFlows = """
    A workload's mean hangs on a few large flows and on whom they meet: it differs from workload to workload \
    by more than the choice of a path brings.
    """
  private static let withoutFeatures = """
    That the second spine is slow needs no feature, and round trips tell it too: what is left for the \
    network to tell is less than the workloads differ by.
    """
  private static let microseconds = """
    An answer takes microseconds once a flow, and a flow hundreds of microseconds to milliseconds: answer \
    times move neither class by more than chance.
    """

  private static let figures: [Figure] =
    BalancingFabric.allCases.flatMap { fabric in
      fabric.schemes.filter { $0 != .kernel }.flatMap { scheme in
        SizeClass.allCases.map { gap($0, scheme, fabric) }
      }
    }
    + judged.map { most($0.size, over: $0.other, $0.fabric) }
    + [
      worst,
      .mean("even, costs: error (bits)", predictionError, even, schemes(BalancingScheme.ecmp.name)),
      .mean("even, costs: error of the mean (bits)", meanError, even, schemes(BalancingScheme.ecmp.name)),
      .mean("uneven, costs: error (bits)", predictionError, uneven, schemes(BalancingScheme.ecmp.name)),
      .mean("uneven, costs: error of the mean (bits)", meanError, uneven, schemes(BalancingScheme.ecmp.name)),
      .sum("flows unfinished", Scheduling.unfinished), .sum("inferences checked", Scheduling.checked),
      .sum("of them not the interpreter's bits", Scheduling.wrong),
    ]

  private static let bounds: [Bound] =
    judged.map {
      Bound(
        mostName($0.size, over: $0.other, $0.fabric), .atMost($0.most), .ours,
        explanation: $0.fabric == .even || $0.other == .ecmp ? fewFlows : withoutFeatures)
    }
    + [
      Bound(worst.name, .atMost(1.02), .ours, by: .interval),
      Bound("flows unfinished", .atMost(0), .ours), Bound("inferences checked", .atLeast(1), .ours),
      Bound("of them not the interpreter's bits", .atMost(0), .ours),
    ]
    + paperGaps.map {
      Bound(
        gapName($0.size, .char, .even), .atLeast($0.percent), .paper("§5.3"), by: .interval, judged: false,
        explanation: microseconds)
    }

  static let fig17 = Study(
    "fig17", "Flow completion times in a simulated fabric whose senders choose paths by a network.",
    discussion: """
      Needs ns-3 (libns3-dev, g++, make) and the web-search flow sizes; --set sizes=FILE names others. \
      --set at_once=N simulates N at a time. A full run takes 15 minutes of one processor, --quick two. No \
      root.
      """,
    method: """
      ns-3: 2×2 leaf-spine, 8 servers, DCTCP; open-loop Poisson arrivals by a size distribution, all flows \
      from leaf to leaf; a flow's sender names the spine. An MLP (two hidden layers of 12, ReLU) predicts \
      what each path would cost from what the host's own flows saw there. It is trained on flows of other \
      seeds whose path was drawn by chance, tuned twice on flows of those seeds that it placed itself but \
      for a fifth, quantized, written as C and linked into the simulator; every \
      first and last inference of a flow is checked against the reference interpreter. Answer times are \
      injected from measurements. Differences are paired by workload, with 95% confidence intervals over the \
      seeds; bounds are on the end of the interval that is against us. The paper leaves open rates, load, \
      number of flows, who sends to whom, what the network is told of its paths and when it is asked.
      """,
    paper: PaperFigure(
      "Figure 17, §5.3", "Short flows: LF-MLP 278 µs, char-MLP 423 µs (34.3% less).",
      "Long flows: LF-MLP 12,922 µs, char-MLP 29,812 µs (56.7% less).",
      "char-MLP is worse than ECMP, and LF-MLP without adaptation worse than with it."),
    keys: [
      fabrics, schemes, flows, hosts, load, otherLoad, Scheduling.leaves, Scheduling.spines, fabricGbps,
      Scheduling.linkMicroseconds, Scheduling.packetBytes, Scheduling.markBytes, Scheduling.bufferBytes,
      Scheduling.hostBufferBytes, Scheduling.serverQueue, flowletMicroseconds, Scheduling.patience,
      trainingSeeds, starts, tunings, exploredPercent, Scheduling.sizes, Scheduling.latencies,
      Scheduling.scenario, atOnce, repeats,
    ],
    quick: { plan in
      plan[schemes] = [BalancingScheme.ecmp, .kernel, .char, .kernel.shuffling, .leastRoundTrip].map(\.name)
      (plan[flows], plan[Common.repeats], plan[starts], plan[trainingSeeds]) = (100, 1, 1, [101, 102])
    }, cells: cells, check: check, alone: true,
    course: .trials(.asListed, prepare),
    metrics: SizeClass.allCases.flatMap { [$0.microseconds.mean, $0.microseconds.p99] }
      + [Scheduling.answered, moves, firstSpine],
    figures: figures, bounds: bounds,
    plots: SizeClass.allCases.map {
      .bars(
        "\($0.rawValue) flows, mean completion time", $0.microseconds.mean, by: fabrics.part,
        scale: .logarithmic, mark: .dots)
    })
}
