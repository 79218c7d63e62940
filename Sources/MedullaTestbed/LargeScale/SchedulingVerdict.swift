extension SchedulingExperiment {
  /// A gap that the paper reports: how much less time flows take with inference in the kernel.
  struct PaperGap {
    var against: String
    var sizeClass: SchedulingRun.SizeClass
    var paper: Double
  }

  static let paperGaps = [
    PaperGap(against: SchedulingScheme.char.name, sizeClass: .short, paper: 0.109),
    PaperGap(against: SchedulingScheme.char.name, sizeClass: .long, paper: 0.337),
  ]

  /// Bounds that the simulation has to keep; the paper's gaps are shown beside ours and are no targets,
  /// since what a few microseconds do is the question.
  static let mostOverOff = 0.9
  static let mostOverUserSpace = 1.02

  public static func judge(
    _ runs: [SchedulingRun], _ plan: SchedulingPlan
  ) -> (rows: [VerdictRow], faults: [String]) {
    let kernel = SchedulingScheme.kernel.name
    var rows: [VerdictRow] = []
    for scheme in plan.schemes {
      for sizeClass in SchedulingRun.SizeClass.allCases {
        let means = runs.filter { $0.scheme == scheme.name }.compactMap { $0.times(sizeClass)?.mean }
        guard !means.isEmpty else { continue }
        let name = "\(scheme.name): \(sizeClass.rawValue) flows, mean (µs)"
        rows.append(VerdictRow(name, Statistics.mean(means), places: 1))
        if let half = Statistics.halfInterval(means) { rows.append(VerdictRow(name + " ±", half, places: 1)) }
      }
    }
    for scheme in plan.schemes where scheme.source == .predicted && scheme.name != kernel {
      for sizeClass in SchedulingRun.SizeClass.allCases {
        rows += gap(runs, kernel, against: scheme.name, sizeClass)
      }
    }
    rows += accuracy(runs)
    let off = ratio(runs, kernel, SchedulingScheme.off.name, .short)
    let ideal = ratio(runs, kernel, SchedulingScheme.ideal.name, .short)
    let over = [SchedulingScheme.ring, .char, .netlink].flatMap { scheme in
      SchedulingRun.SizeClass.allCases.compactMap { ratio(runs, kernel, scheme.name, $0) }
    }
    rows += [
      VerdictRow("short flows: kernel over ideal", ideal),
      VerdictRow("short flows: kernel over plain DCTCP", off, .atMost(mostOverOff)),
      VerdictRow("kernel over user space, worst class", over.max(), .atMost(mostOverUserSpace)),
      VerdictRow("flows unfinished", Double(runs.reduce(0) { $0 + $1.unfinished }), .atMost(0), places: 0),
      VerdictRow(
        "inferences checked", Double(runs.reduce(0) { $0 + $1.inferencesChecked }), .atLeast(1), places: 0),
      VerdictRow(
        "of them not the interpreter's bits", Double(runs.reduce(0) { $0 + $1.inferencesWrong }), .atMost(0),
        places: 0),
    ]
    return (rows, [])
  }

  /// Our gap with half of its interval, and the paper's beside it, in percent of the other scheme's time.
  private static func gap(
    _ runs: [SchedulingRun], _ scheme: String, against other: String, _ sizeClass: SchedulingRun.SizeClass
  ) -> [VerdictRow] {
    let gaps = pairs(runs, scheme, other, sizeClass).map { (1 - $0.0 / $0.1) * 100 }
    guard !gaps.isEmpty else { return [] }
    let name = "\(sizeClass.rawValue) flows: \(scheme) below \(other) (%)"
    var rows = [VerdictRow(name, Statistics.mean(gaps), places: 2)]
    if let half = Statistics.halfInterval(gaps) { rows.append(VerdictRow(name + " ±", half, places: 2)) }
    for paper in paperGaps where paper.against == other && paper.sizeClass == sizeClass {
      rows.append(VerdictRow(name + ", the paper", paper.paper * 100, places: 2))
    }
    return rows
  }

  private static func accuracy(_ runs: [SchedulingRun]) -> [VerdictRow] {
    let seen = runs.map(\.accuracy)
    guard !seen.isEmpty else { return [] }
    func mean(_ value: (FlowSizeAccuracy) -> Double) -> Double { Statistics.mean(seen.map(value)) }
    return [
      VerdictRow("sizes: right band", mean(\.rightBand)),
      VerdictRow("sizes: within one band", mean(\.withinOneBand)),
      VerdictRow("sizes: right band of the previous flow's", mean(\.rightBandOfPrevious)),
      VerdictRow("sizes: right band of the most frequent", mean(\.rightBandOfMostFrequent)),
      VerdictRow("sizes: error (bits)", mean(\.errorBits)),
    ]
  }

  /// Mean times of two schemes over the same workload.
  private static func pairs(
    _ runs: [SchedulingRun], _ scheme: String, _ other: String, _ sizeClass: SchedulingRun.SizeClass
  ) -> [(Double, Double)] {
    runs.filter { $0.scheme == scheme }.compactMap { run in
      guard let own = run.times(sizeClass)?.mean,
        let theirs = runs.first(where: { $0.scheme == other && $0.seed == run.seed })?.times(sizeClass)?.mean,
        theirs > 0
      else { return nil }
      return (own, theirs)
    }
  }

  private static func ratio(
    _ runs: [SchedulingRun], _ scheme: String, _ other: String, _ sizeClass: SchedulingRun.SizeClass
  ) -> Double? {
    let ratios = pairs(runs, scheme, other, sizeClass).map { $0.0 / $0.1 }
    return ratios.isEmpty ? nil : Statistics.mean(ratios)
  }
}
