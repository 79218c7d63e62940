import TestbedBaselines
import TestbedLink

extension Scheduling {
  private static let kernel = schemes(SchedulingScheme.kernel.name)
  private static let userSpace = [SchedulingScheme.ring, .char, .netlink].map(\.name)

  /// A gap that the paper reports: how much less time flows take with inference in the kernel than by a char
  /// device.
  private static let paperGaps: [(size: SizeClass, percent: Double)] = [(.short, 10.9), (.long, 33.7)]
  /// The same against LiteFlow without adaptation.
  private static let paperGains: [(size: SizeClass, percent: Double)] = [(.short, 6.0), (.long, 23.0)]
  private static let frozen = SchedulingScheme.kernel.frozen.name

  private static func gapName(_ size: SizeClass, _ other: String) -> String {
    "\(size.rawValue) flows: kernel below \(other) (%)"
  }

  /// Our gap in percent of the other scheme's time, paired by workload.
  private static func gap(_ size: SizeClass, _ other: String) -> Figure {
    Figure(gapName(size, other), places: 2) { runs in
      Estimate(paired(runs, size, other).map { (1 - $0.own / $0.other) * 100 })
    }
  }

  private static func paired(
    _ runs: StudyRuns, _ size: SizeClass, _ other: String
  ) -> [(own: Double, other: Double)] {
    let metric = size.microseconds.mean
    return Set(runs.runs.map(\.round)).sorted().compactMap { round in
      let own = runs.round(round)
      guard let ours = own.mean(metric, [kernel]), let theirs = own.mean(metric, [schemes(other)]), theirs > 0
      else { return nil }
      return (ours, theirs)
    }
  }

  /// The ratios to user space, of each way and class.
  private static func overUserSpace(_ runs: StudyRuns) -> [Estimate] {
    userSpace.flatMap { other in
      SizeClass.allCases.compactMap { size in
        Estimate(paired(runs, size, other).map { $0.own / $0.other })
      }
    }
  }

  /// The class with the highest upper end: in none is the kernel worse by more.
  private static let worst = Figure("kernel over user space, worst class") { runs in
    overUserSpace(runs).max { $0.upper < $1.upper }
  }
  private static let worstLower = Figure("kernel over user space, lower end of the interval, worst class") {
    runs in
    overUserSpace(runs).compactMap { ratio in ratio.half.map { ratio.value - $0 } }.max().map { Estimate($0) }
  }

  /// That an answer's microseconds move no class, which the explanation of missed gaps says. The margin is
  /// that of the bound on the worst class.
  private static let alike = SizeClass.allCases.map { size in
    Equivalence(
      "\(size.rawValue) flows, kernel and \(SchedulingScheme.char.name)", size.microseconds.mean, [kernel],
      [schemes(SchedulingScheme.char.name)], within: .part(0.02))
  }

  private static let overFrozen = Figure.ratio(
    "short flows: kernel over not adapted", SizeClass.short.microseconds.mean, kernel, over: schemes(frozen))

  private static let overOff = Figure.ratio(
    "short flows: kernel over plain DCTCP", SizeClass.short.microseconds.mean, kernel,
    over: schemes(SchedulingScheme.off.name))
  private static let microseconds = """
    A short flow takes 60 µs in this fabric and a long one milliseconds: answer times of microseconds move \
    neither by more than chance; a workload with a few wrong predictions more does.
    """

  static let fig16 = Study(
    "fig16", "Flow completion times under predicted priorities in a simulated fabric.",
    discussion: """
      Needs ns-3 (libns3-dev, g++, make) and the web-search flow sizes; --sizes FILE names others. A full \
      run takes half an hour of one processor, --quick a minute. No root.
      """,
    method: """
      ns-3: leaf-spine, DCTCP, strict-priority ports that mark each band at a threshold; open-loop Poisson \
      arrivals by a size distribution, opened by applications of several kinds so that sizes can be \
      predicted at all. An FFNN (two hidden layers of 5, ReLU) is trained on other seeds' workloads, \
      quantized, written as C and linked into the simulator; every first and last inference of a flow is \
      checked against the reference interpreter. Answer times are injected, at once for all or by one server \
      a host: medians of fig15 on this machine where --set latencies=FILE names its result, else stated \
      ones; each run says which. kernel/not-adapted has a network that learned from the applications' flows \
      before they changed (who sends much had sent little), and not since. Differences are paired by \
      workload, with 95% confidence intervals over the seeds.
      """,
    paper: PaperFigure(
      "Figure 16, §5.2",
      "Short flows: LF-FFNN 377 µs, without adaptation 401 µs, char-FFNN 423 µs (10.9% less).",
      "Long flows: LF-FFNN 60,232 µs, without adaptation 78,201 µs, char-FFNN 90,823 µs (33.7% less)."),
    keys: [
      schemes, flows, hosts, load, leaves, spines, fabricGbps, linkMicroseconds, packetBytes, markBytes,
      bufferBytes, hostBufferBytes, serverQueue, patience, trainingSeeds, starts, sizes, latencies, scenario,
      Common.repeats,
    ],
    quick: { plan in
      plan[schemes] = [SchedulingScheme.off, .ideal, .kernel, .kernel.frozen, .char, .char.leaving(.last)]
        .map(\.name)
      (plan[flows], plan[Common.repeats], plan[trainingSeeds], plan[starts]) = (400, 1, [101, 102, 103], 2)
    }, cells: { [StudyCell].one.times(schemes, $0) }, check: check, alone: true,
    course: .trials(.asListed, prepare),
    metrics: SizeClass.allCases.flatMap { [$0.microseconds.mean, $0.microseconds.p50] }
      + [latency, answered, wait, refused, rightBand, sizesRight],
    figures: SchedulingScheme.all.filter {
      $0.source == .predicted && $0.name != SchedulingScheme.kernel.name
    }
    .flatMap { scheme in SizeClass.allCases.map { gap($0, scheme.name) } }
      + [sizesRight, sizesNear, sizesPrevious, sizesFrequent, sizesError].map { .mean($0.name, $0, kernel) }
      + alike.map(\.figure) + [
        .ratio(
          "short flows: kernel over ideal", SizeClass.short.microseconds.mean, kernel,
          over: schemes(SchedulingScheme.ideal.name)), overOff,
        worst, worstLower, overFrozen,
        .mean("not adapted, \(sizesRight.name)", sizesRight, schemes(frozen)),
        .sum("flows unfinished", unfinished), .sum("inferences checked", checked),
        .sum("of them not the interpreter's bits", wrong),
      ],
    bounds: [
      Bound(overOff.name, .atMost(0.9), .ours, by: .interval),
      Bound(
        "kernel over user space, worst class", .atMost(1.02), .ours, by: .interval,
        explanation: microseconds),
      Bound(
        "kernel over user space, lower end of the interval, worst class", .atMost(1), .ours, judged: false),
      // Who predicts no better than a network that knows only what was before has not adapted.
      Bound(overFrozen.name, .atMost(0.98), .ours, by: .interval),
      Bound("flows unfinished", .atMost(0), .ours), Bound("inferences checked", .atLeast(1), .ours),
      Bound("of them not the interpreter's bits", .atMost(0), .ours),
    ]
      + paperGaps.map {
        Bound(
          gapName($0.size, SchedulingScheme.char.name), .atLeast($0.percent), .paper("§5.2"), by: .interval,
          judged: false,
          explanation: microseconds)
      }
      + paperGains.map {
        Bound(
          gapName($0.size, frozen), .atLeast($0.percent), .paper("§5.2"), by: .interval, judged: false)
      } + alike.map { $0.bound(judged: false) },
    plots: SizeClass.allCases.map {
      .bars(
        "\($0.rawValue) flows, mean completion time", $0.microseconds.mean, scale: .logarithmic, mark: .dots)
    })
}
