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
  /// The lower end of the ratio's interval: above 1, the kernel would be worse by more than chance.
  static let mostOverUserSpace = 1.0

  public static func judge(
    _ runs: [SchedulingRun], _ plan: SchedulingPlan
  ) -> (rows: [VerdictRow], faults: [String]) {
    let kernel = SchedulingScheme.kernel.name
    var rows: [VerdictRow] = []
    for scheme in plan.schemes {
      for sizeClass in SchedulingRun.SizeClass.allCases {
        let times = runs.filter { $0.scheme == scheme.name }.compactMap { $0.times(sizeClass) }
        guard !times.isEmpty else { continue }
        let name = "\(scheme.name): \(sizeClass.rawValue) flows"
        let means = times.map(\.mean)
        rows.append(VerdictRow("\(name), mean (µs)", Statistics.mean(means), places: 1))
        if let half = Statistics.halfInterval(means) {
          rows.append(VerdictRow("\(name), mean (µs) ±", half, places: 1))
        }
        rows.append(VerdictRow("\(name), median (µs)", Statistics.mean(times.map(\.median)), places: 1))
      }
    }
    for scheme in plan.schemes where scheme.source == .predicted && scheme.name != kernel {
      for sizeClass in SchedulingRun.SizeClass.allCases {
        rows += gap(runs, kernel, against: scheme.name, sizeClass)
      }
    }
    rows += accuracy(runs)
    func ratios(_ other: SchedulingScheme, _ sizeClass: SchedulingRun.SizeClass) -> [Double] {
      pairs(runs, kernel, other.name, sizeClass).map { $0.0 / $0.1 }
    }
    let (off, ideal) = (ratios(.off, .short), ratios(.ideal, .short))
    let over = [SchedulingScheme.ring, .char, .netlink].flatMap { scheme in
      SchedulingRun.SizeClass.allCases.map { ratios(scheme, $0) }.filter { !$0.isEmpty }
        .map { Statistics.mean($0) - (Statistics.halfInterval($0) ?? 0) }
    }
    rows += [
      VerdictRow("paper's gaps that appear, at least half as large", appearing(runs), places: 0),
      VerdictRow("short flows: kernel over ideal", ideal.isEmpty ? nil : Statistics.mean(ideal)),
      VerdictRow(
        "short flows: kernel over plain DCTCP", off.isEmpty ? nil : Statistics.mean(off),
        .atMost(mostOverOff)),
      VerdictRow("kernel over user space, least, worst class", over.max(), .atMost(mostOverUserSpace)),
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

  /// Of the paper's gaps, those that our runs show beyond chance and at least half as large.
  private static func appearing(_ runs: [SchedulingRun]) -> Double? {
    let shown = paperGaps.compactMap { paper -> Bool? in
      let gaps = pairs(runs, SchedulingScheme.kernel.name, paper.against, paper.sizeClass)
        .map { 1 - $0.0 / $0.1 }
      guard let half = Statistics.halfInterval(gaps) else { return nil }
      return Statistics.mean(gaps) - half > 0 && Statistics.mean(gaps) >= paper.paper / 2
    }
    return shown.isEmpty ? nil : Double(shown.filter { $0 }.count)
  }
}
