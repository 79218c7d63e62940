import TestbedLink
import TestbedMeasures
import TestbedReport

extension Adaptation {
  /// What adapting has to reach of the trained network's goodput.
  private static let leastShare = 0.95

  private static func over(_ scheme: Scheme, _ index: Int) -> Figure {
    .ratio(
      overName(scheme, index), goodput(index), schemes(scheme.rawValue),
      over: schemes(Scheme.trained.rawValue))
  }
  private static func overName(_ scheme: Scheme, _ index: Int) -> String {
    "\(allConditions[index].name): \(scheme.rawValue) over trained"
  }

  /// Who learns nothing is not better than frozen, however near frozen is to the trained.
  private static let leastGain = 1.05
  /// Conditions that the start network was not trained for: all but the first.
  private static let unknown = allConditions.indices.dropFirst()

  private static func overFrozen(_ index: Int) -> Figure {
    .ratio(
      "\(allConditions[index].name): adapting over frozen", goodput(index), schemes(Scheme.adapting.rawValue),
      over: schemes(Scheme.frozen.rawValue))
  }

  /// When the adapting scheme first came back to the share of what the trained network reached in the same
  /// round; nil where it did not in each.
  private static func recovered(_ index: Int) -> Figure {
    Figure("\(allConditions[index].name): 5 s at 95% after (s)", places: 1) { runs in
      let adapting = runs.of([schemes(Scheme.adapting.rawValue)]).runs
      let times = adapting.compactMap { run -> Double? in
        let trained = runs.of([schemes(Scheme.trained.rawValue)]).round(run.round)
        guard let level = trained.mean(goodput(index)) else { return nil }
        let points = zip(run.reading.series[timeSeries] ?? [], run.reading.series[goodputSeries] ?? [])
        let length = Double(runs.plan[interval])
        return recovery(
          points.map { TimedValue($0, $1) }, in: Double(index) * length...Double(index + 1) * length,
          level: level * leastShare)
      }
      return times.count == adapting.count ? Estimate(times) : nil
    }
  }

  /// Seconds from the interval's beginning until the goodput, averaged over the last `window` points, first
  /// reaches `level`; nil when it never does. What was under way before the change is not in the average.
  static func recovery(
    _ goodput: [TimedValue], in interval: ClosedRange<Double>, level: Double, window: Int = 10
  ) -> Double? {
    let points = goodput.filter { $0.time > interval.lowerBound && $0.time <= interval.upperBound }
    guard points.count >= window else { return nil }
    return (window - 1..<points.count)
      .first { Statistics.mean(points[($0 - window + 1)...$0].map(\.value)) >= level }
      .map { points[$0].time - interval.lowerBound }
  }

  /// Goodput of the schemes over time, with the changes of condition and the updates.
  private static let course = PlotRecipe { runs in
    let first = runs.round(0).runs
    let lines = first.enumerated().map { color, run in
      let points = zip(run.reading.series[timeSeries] ?? [], run.reading.series[goodputSeries] ?? [])
      return Plot.Series(run.cell.title, color: color, points: points.map { Plot.Point($0, $1) })
    }
    // Below 0 is room for the conditions' names and the updates.
    let highest = max(lines.flatMap(\.points).map(\.y).max() ?? 1, 1)
    let activations =
      first.first { $0.cell.fits([schemes(Scheme.adapting.rawValue)]) }?
      .reading.series[activationSeries] ?? []
    let marks = Plot.Series(
      "update", color: 3, mark: .dots, points: activations.map { Plot.Point($0, -0.05 * highest) })
    let changes = conditions(runs.plan).enumerated().map { index, condition in
      Plot.Rule(.x, at: Double(index * runs.plan[interval]), condition.name)
    }
    return [
      Plot(
        "Goodput of one flow; time \(short(compression(runs.plan).rounded())) times compressed",
        x: PlotAxis("seconds"), y: PlotAxis("Mbit/s", range: -0.2 * highest...1.06 * highest),
        series: lines + [marks], rules: changes)
    ]
  }

  static let fig12 = Study(
    "fig12", "Change the link under a network that keeps learning, and under the same frozen.",
    discussion: """
      Trains a start network for one kind of path and a network for each condition, then runs three schemes \
      over the same changing link: the start network frozen, the daemon adapting it, and the network that \
      was trained for each condition. Needs root; 35 minutes, --quick three.
      """,
    method: """
      One TCP flow (iperf3) through an emulated link whose rate, buffer, random loss and UDP background \
      change at the end of every interval. The paper keeps a condition for 20 minutes; here an interval is \
      shorter by the stated factor. Flow consistency is off, so the one flow follows each new snapshot at \
      its next ACK. frozen: the start network, trained in the simulator for one kind of path only: tiny \
      buffers without random loss, with a reward that weighs loss ten times more than the default, so that \
      it takes every loss for congestion. adapting: the same start, and the daemon (medulla run) with the \
      native adapter, which trains in the simulator on paths like those that the live batches show. trained: \
      for each condition a network trained for it alone from random weights, put in when the condition \
      begins. Goodput is what the receiving program read in the last part of each interval; the verdict \
      compares adapting with trained, and, where the start network was not trained for the condition, with \
      frozen, by the 95% intervals over repeats.
      """,
    paper: PaperFigure(
      "Figures 5 and 12, §2.3 and §5.1",
      "Without adaptation goodput drops dramatically when the traffic changes every 20 minutes.",
      "LF-Aurora has adapted after about 13 minutes, LF-MOCC in less than 10."),
    keys: [schemes, interval, measuredSeconds, count, startSteps, trainedSteps, Common.repeats.with(5)],
    quick: { plan in
      (plan[count], plan[interval], plan[measuredSeconds], plan[trainedSteps]) = (2, 24, 6, 150_000)
      plan[Common.repeats] = 1
    }, cells: { [StudyCell].one.times(schemes, $0) },
    check: { plan in
      try Study.require(
        plan[schemes].allSatisfy { Scheme(rawValue: $0) != nil }, "A scheme of the plan is not known.",
        remedy: "Use trained, frozen and adapting.")
      for condition in conditions(plan) { try condition.link(seed: plan.seed).validate() }
    }, course: .trials(.shuffled, prepare),
    metrics: allConditions.indices.flatMap { [goodput($0), queue($0)] },
    figures: allConditions.indices.flatMap { index in
      [over(.adapting, index), over(.frozen, index), recovered(index)]
    } + unknown.map(overFrozen) + [
      .mean("snapshots that the daemon put in", updates, schemes(Scheme.adapting.rawValue))
    ],
    bounds: allConditions.indices.map {
      Bound(overName(.adapting, $0), .atLeast(leastShare), .ours, by: .interval)
    }
      + unknown.map { Bound(overFrozen($0).name, .atLeast(leastGain), .ours, by: .interval) } + [
        // A daemon that never updates adapts nothing.
        Bound("snapshots that the daemon put in", .atLeast(1), .ours)
      ],
    plots: [course]
      + allConditions.indices.map {
        .bars("Goodput at the end, \(allConditions[$0].name)", goodput($0), mark: .dots)
      })
}
