/// Whether updates cost nothing, computed from the phases.
public struct UpdatesVerdict: ExperimentVerdict, Equatable {
  public struct Targets: Codable, Equatable, Sendable {
    /// Retransmissions a minute in the phases with updates above those without.
    public var retransmitsCaused = 0.0
    /// Least probability of the phases' difference in decision time if updates did nothing.
    public var sameDecisionTime = 0.01
    /// Milliseconds of 99 in 100 promotions.
    public var promotionMs = 1.0
    public var updates = 1_000

    public init() {}
  }

  public struct Figures: Codable, Equatable, Sendable {
    public var updates: Int
    public var retransmitsWithUpdates: Int
    public var retransmitsWithout: Int
    /// A minute, with updates minus without; at least 0.
    public var retransmitsCaused: Double?
    /// Mean over phases, and half of its 95% interval.
    public var decisionNsWithUpdates: Double?
    public var decisionNsWithUpdatesInterval: Double?
    public var decisionNsWithout: Double?
    public var decisionNsWithoutInterval: Double?
    /// Mean over pairs of phases, with updates minus without, and half of its 95% interval: the smallest
    /// difference that would have been seen.
    public var decisionNsDifference: Double?
    public var decisionNsDifferenceInterval: Double?
    /// Of the permutation tests on the phases' means, and on their 99th percentiles over seconds.
    public var decisionMeanProbability: Double?
    public var decisionTailProbability: Double?
    public var goodputRatio: Double?
    public var promotionP50Ms: Double?
    public var promotionP99Ms: Double?
    public var promotionMaxMs: Double?
  }

  public var met: Bool
  public var complete: Bool
  public var figures: Figures
  public var targets: Targets
  public var misses: [String]

  public init(_ phases: [UpdatesPhase], complete: Bool, targets: Targets = Targets()) {
    let (with, without) = (phases.filter(\.updating), phases.filter { !$0.updating })
    func perMinute(_ phases: [UpdatesPhase]) -> Double? {
      let seconds = phases.reduce(0) { $0 + $1.seconds }
      return seconds > 0 ? Double(phases.reduce(0) { $0 + $1.retransmits }) * 60 / seconds : nil
    }
    func probability(_ value: (UpdatesPhase) -> Double) -> Double? {
      with.isEmpty || without.isEmpty ? nil : Statistics.permutationTest(with.map(value), without.map(value))
    }
    func mean(_ phases: [UpdatesPhase], _ value: (UpdatesPhase) -> Double) -> Double? {
      phases.isEmpty ? nil : Statistics.mean(phases.map(value))
    }
    let times = with.flatMap(\.promotionMs)
    let differences = zip(with, without).map { $0.decisionMeanNs - $1.decisionMeanNs }
    let caused = perMinute(with).flatMap { with in perMinute(without).map { max(0, with - $0) } }
    let goodput = mean(without, \.goodputMbps).flatMap { base in
      base > 0 ? mean(with, \.goodputMbps).map { $0 / base } : nil
    }
    figures = Figures(
      updates: with.reduce(0) { $0 + $1.updates },
      retransmitsWithUpdates: with.reduce(0) { $0 + $1.retransmits },
      retransmitsWithout: without.reduce(0) { $0 + $1.retransmits }, retransmitsCaused: caused,
      decisionNsWithUpdates: mean(with, \.decisionMeanNs),
      decisionNsWithUpdatesInterval: Statistics.halfInterval(with.map(\.decisionMeanNs)),
      decisionNsWithout: mean(without, \.decisionMeanNs),
      decisionNsWithoutInterval: Statistics.halfInterval(without.map(\.decisionMeanNs)),
      decisionNsDifference: differences.isEmpty ? nil : Statistics.mean(differences),
      decisionNsDifferenceInterval: Statistics.halfInterval(differences),
      decisionMeanProbability: probability(\.decisionMeanNs),
      decisionTailProbability: probability { Statistics.quantile($0.decisionNs, 0.99) },
      goodputRatio: goodput, promotionP50Ms: times.isEmpty ? nil : Statistics.quantile(times, 0.5),
      promotionP99Ms: times.isEmpty ? nil : Statistics.quantile(times, 0.99), promotionMaxMs: times.max())
    self.complete = complete
    self.targets = targets
    misses = []
    met = false
    if complete { judge(phases) }
    met = complete && misses.isEmpty
  }

  private mutating func judge(_ phases: [UpdatesPhase]) {
    for row in rows where row.bound != nil && row.holds != true {
      misses.append("\(row.name): \(row.value.map { decimal($0, row.places) } ?? "not measured")")
    }
    let pairs = min(phases.filter(\.updating).count, phases.filter { !$0.updating }.count)
    if pairs < UpdatesPlan.leastPairs {
      misses.append("\(pairs) pairs of phases: too few to tell a difference")
    }
    for phase in phases where phase.fellBehind {
      misses.append("phase \(phase.index): the emulator fell behind")
    }
  }

  public var rows: [VerdictRow] {
    [
      VerdictRow("updates", Double(figures.updates), .atLeast(Double(targets.updates)), places: 0),
      VerdictRow("retransmissions with updates", Double(figures.retransmitsWithUpdates), places: 0),
      VerdictRow("retransmissions without", Double(figures.retransmitsWithout), places: 0),
      VerdictRow(
        "retransmissions caused, a minute", figures.retransmitsCaused, .atMost(targets.retransmitsCaused),
        places: 2),
      VerdictRow("decision with updates (ns)", figures.decisionNsWithUpdates, places: 0),
      VerdictRow("decision without (ns)", figures.decisionNsWithout, places: 0),
      VerdictRow("difference, mean over pairs (ns)", figures.decisionNsDifference, places: 0),
      VerdictRow("its 95% interval, ± (ns)", figures.decisionNsDifferenceInterval, places: 0),
      VerdictRow(
        "p of equal mean decision times", figures.decisionMeanProbability,
        .atLeast(targets.sameDecisionTime)),
      VerdictRow(
        "p of equal tails of decision times", figures.decisionTailProbability,
        .atLeast(targets.sameDecisionTime)),
      VerdictRow("goodput with updates over without", figures.goodputRatio),
      VerdictRow("promotion, median (ms)", figures.promotionP50Ms),
      VerdictRow("promotion, p99 (ms)", figures.promotionP99Ms, .atMost(targets.promotionMs)),
      VerdictRow("promotion, longest (ms)", figures.promotionMaxMs),
    ]
  }
}
