import TestbedMeasures
import TestbedReport

extension Soak {
  /// A figure of the last look; at the end only where it needs the end.
  private static func last(
    _ name: String, places: Int = 0, atEnd: Bool = false,
    _ value: @escaping @Sendable (StudyRun) -> Double?
  ) -> Figure {
    Figure(name, places: places) { runs in
      guard let last = runs.runs.last, !atEnd || last[left] != nil else { return nil }
      return value(last).map { Estimate($0) }
    }
  }

  private static func completion(_ name: String, _ fraction: Double) -> Figure {
    last(name, places: 3, atEnd: true) { run in
      let times = run.reading.series[completionSeries] ?? []
      return times.isEmpty ? nil : Statistics.quantile(times, fraction)
    }
  }

  /// Growth in MiB an hour over the second half.
  private static func growth(_ name: String, _ metric: Metric) -> Figure {
    Figure(name, places: 1) { runs in
      let points = runs.runs.compactMap { run in
        run[metric].map { (x: (run[time] ?? 0) / 3600, y: $0) }
      }
      let late = points.filter { $0.x * 2 >= points.last?.x ?? 0 }
      return late.count > 3 ? Estimate(Statistics.slope(late)) : nil
    }
  }

  private static let figures: [Figure] = [
    last("flows begun") { $0[begun] }, last("complete, with all their bytes") { $0[completed] },
    last("broken") { $0[broken] },
    last("kernel's count of flows, off by", atEnd: true) { abs(($0[taken] ?? 0) - ($0[connected] ?? 0)) },
    last("flows that slots hold at the end", atEnd: true) { $0[held] },
    last("kills of the daemon") { $0[kills] }, last("crashes of the adapter") { $0[crashes] },
    last("snapshots put in") { max(0, ($0[version] ?? 1) - 1) },
    last("left staged or shadowed at the end", atEnd: true) { $0[left] },
    last("promotions", atEnd: true) { $0[promotions] },
    last("of them cut off by a kill", atEnd: true) { $0[interrupted] },
    last("without a verdict or a reason", atEnd: true) { $0[unexplained] },
    completion("time of a flow, median (s)", 0.5), completion("time of a flow, p99 (s)", 0.99),
    last("samples") { $0[samples] }, last("samples dropped") { $0[samplesDropped] },
    growth("daemon's memory, growth over lives (MiB/h)", daemon),
    Figure("of a life, mean (MiB)", places: 1) { SoakMemory.growthOfLives($0.runs).map { Estimate($0) } },
    Figure("of the last life, caches full (MiB/h)", places: 1) {
      SoakMemory.growthAlone($0.runs).map { Estimate($0) }
    },
    growth("kernel's memory, growth (MiB/h)", kernel),
  ]

  /// What makes the soak no soak: flows without an end, and disturbances that did not come.
  private static func faults(_ runs: StudyRuns) -> [String] {
    guard let last = runs.runs.last else { return ["nothing was run"] }
    func count(_ metric: Metric) -> Int { Int(last[metric] ?? 0) }
    let expected = max(0, Int(Double(runs.plan[duration]) / runs.plan[killEvery]) - 1)
    let checks: [(isFault: Bool, words: String)] = [
      (
        count(completed) + count(broken) != count(begun) || count(begun) == 0,
        "\(count(begun)) flows begun, \(count(completed)) complete"
      ),
      (count(skipped) > 0, "\(count(skipped)) flows were not begun: too many under way"),
      (count(kills) < expected, "\(count(kills)) of \(expected) kills"),
      (count(crashes) == 0, "the adapter did not crash"), (count(version) < 2, "no snapshot was put in"),
      (count(promotions) == 0, "no promotion is written down"),
    ]
    return checks.filter(\.isFault).map(\.words) + last.faults
  }

  private static func overTime(_ title: String, _ unit: String, _ metrics: [Metric]) -> PlotRecipe {
    PlotRecipe { runs in
      let lines = metrics.enumerated().map { color, metric in
        let points = runs.runs.map { Plot.Point($0[time] ?? 0, $0[metric] ?? .nan) }
        return Plot.Series(metric.name, color: color, points: points)
      }
      return [Plot(title, x: PlotAxis("seconds"), y: PlotAxis(unit), series: lines)]
    }
  }

  static let study = Study(
    "soak", "Let flows come while the adapter crashes and the daemon is killed.",
    discussion: """
      A flow every 50 ms over an emulated link, snapshots replaced, an adapter that exits at random, kill -9 \
      of the daemon every minute; then six minutes in which the daemon lives on, so that a leak shows. The \
      verdict needs half an hour of kills (the default); `--duration 30m` and `--minutes 30` say how long, \
      --quick takes a minute. Needs root.
      """,
    method: """
      Short TCP flows over an emulated link, one begun at each interval; a flow is complete when the \
      receiver has told that it read every byte. The daemon (medulla run) collects samples and puts \
      snapshots in, with an adapter in a process of its own that changes its network a little each round and \
      exits at random without a word. At each kill the daemon gets SIGKILL and is started again; it takes \
      over what is pinned. The kernel's counts (flows that slots took less those moved, flows held) are read \
      at each look and compared with the connections that stood. Growth of memory is a least-squares slope \
      over the second half; the kernel's is SUnreclaim, VmallocUsed and Percpu of /proc/meminfo, which other \
      programs share. A daemon fills its caches for two minutes, longer than the killed ones live: after the \
      kills it goes on alone, and is judged by its memory from then on. At the end it is stopped, and what \
      it has written down is held against what was active: a promotion needs a verdict of the watch, or a \
      kill that cut it off.
      """,
    keys: [
      duration, alone, flowInterval, flowBytes, killEvery, crashChance, lookEvery, Common.rateMbps,
      Common.rttMs.with(10), Common.bufferBdp.with(4),
    ],
    quick: { ($0[duration], $0[alone], $0[killEvery]) = (60, 0, 15) },
    check: { try $0.cell.link(seed: $0.seed).validate() }, alone: true,
    course: .whole(count: { _ in 1 }, measure), metrics: [], figures: figures,
    bounds: [
      Bound("broken", .atMost(0), .ours), Bound("kernel's count of flows, off by", .atMost(0), .ours),
      Bound("flows that slots hold at the end", .atMost(0), .ours),
      Bound("left staged or shadowed at the end", .atMost(0), .ours),
      Bound("without a verdict or a reason", .atMost(0), .ours),
      Bound("daemon's memory, growth over lives (MiB/h)", .atMost(20), .ours),
      Bound("of a life, mean (MiB)", .atMost(4), .ours),
      Bound("of the last life, caches full (MiB/h)", .atMost(20), .ours),
      Bound("kernel's memory, growth (MiB/h)", .atMost(100), .ours),
    ], faults: faults,
    plots: [
      overTime("Flows complete and broken", "flows", [completed, broken]),
      overTime("Flows held by slots", "flows", [held]), overTime("Memory", "MiB", [daemon, kernel]),
      overTime("Version of the active snapshot", "version", [version]),
    ])
}
