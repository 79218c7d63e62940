import TestbedBaselines
import TestbedLink

extension Scheduling {
  private static let kernel = schemes(SchedulingScheme.kernel.name)
  private static let userSpace = [SchedulingScheme.ring, .char, .netlink].map(\.name)

  /// A gap that the paper reports: how much less time flows take with inference in the kernel than by a char
  /// device.
  private static let paperGaps: [(size: SizeClass, percent: Double)] = [(.short, 10.9), (.long, 33.7)]

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

  private static func worst(_ name: String, less interval: Double) -> Figure {
    Figure(name) { runs in
      let ratios = userSpace.flatMap { other in
        SizeClass.allCases.compactMap { size in
          Estimate(paired(runs, size, other).map { $0.own / $0.other })
        }
      }
      return ratios.map { $0.value - ($0.half ?? 0) * interval }.max().map { Estimate($0) }
    }
  }

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
      checked against the reference interpreter. Answer times are injected from measurements: at once for \
      all, or by one server a host. Differences are paired by workload, with 95% confidence intervals over \
      the seeds.
      """,
    paper: PaperFigure(
      "Figure 16, §5.2",
      "Short flows: LF-FFNN 377 µs, without adaptation 401 µs, char-FFNN 423 µs (10.9% less).",
      "Long flows: LF-FFNN 60,232 µs, without adaptation 78,201 µs, char-FFNN 90,823 µs (33.7% less)."),
    keys: [
      schemes, flows, hosts, load, leaves, spines, fabricGbps, linkMicroseconds, packetBytes, markBytes,
      bufferBytes, hostBufferBytes, serverQueue, patience, trainingSeeds, starts, sizes, scenario,
      Common.repeats,
    ],
    quick: { plan in
      plan[schemes] = [SchedulingScheme.off, .ideal, .kernel, .char, .char.leaving(.last)].map(\.name)
      (plan[flows], plan[Common.repeats], plan[trainingSeeds], plan[starts]) = (400, 1, [101, 102, 103], 2)
    }, cells: { [StudyCell].one.times(schemes, $0) }, check: check, alone: true,
    course: .trials(.asListed, prepare),
    metrics: SizeClass.allCases.flatMap { [$0.microseconds.mean, $0.microseconds.p50] }
      + [answered, wait, refused, rightBand],
    figures: SchedulingScheme.all.filter {
      $0.source == .predicted && $0.name != SchedulingScheme.kernel.name
    }
    .flatMap { scheme in SizeClass.allCases.map { gap($0, scheme.name) } }
      + [sizesRight, sizesNear, sizesPrevious, sizesFrequent, sizesError].map { .mean($0.name, $0) }
      + [
        .ratio(
          "short flows: kernel over ideal", SizeClass.short.microseconds.mean, kernel,
          over: schemes(SchedulingScheme.ideal.name)), overOff,
        worst("kernel over user space, worst class", less: 0),
        worst("kernel over user space, lower end of the interval, worst class", less: 1),
        .sum("flows unfinished", unfinished), .sum("inferences checked", checked),
        .sum("of them not the interpreter's bits", wrong),
      ],
    bounds: [
      Bound(overOff.name, .atMost(0.9), .ours),
      Bound("kernel over user space, worst class", .atMost(1.02), .ours, explanation: microseconds),
      Bound(
        "kernel over user space, lower end of the interval, worst class", .atMost(1), .ours, judged: false),
      Bound("flows unfinished", .atMost(0), .ours), Bound("inferences checked", .atLeast(1), .ours),
      Bound("of them not the interpreter's bits", .atMost(0), .ours),
    ]
      + paperGaps.map {
        Bound(
          gapName($0.size, SchedulingScheme.char.name), .atLeast($0.percent), .paper("§5.2"), judged: false,
          explanation: microseconds)
      },
    plots: SizeClass.allCases.map {
      .bars(
        "\($0.rawValue) flows, mean completion time", $0.microseconds.mean, scale: .logarithmic, mark: .dots)
    })
}
