/// Whether the runs reach the targets, computed from them.
public struct LinkVerdict: ExperimentVerdict, Equatable {
  public struct Targets: Codable, Equatable, Sendable {
    /// Least share of capacity of one flow on each loss-free link.
    public var steadyShare = 0.9
    /// Share of the loss-free links on which the mean queueing delay is below CUBIC's.
    public var delayBelowCubic = 1.0
    /// Least share of capacity with random loss.
    public var lossShare = 0.8
    /// Least Jain index of equal flows.
    public var jain = 0.9

    public init() {}
  }

  /// The worst value of each target's quantity over the runs; nil when nothing of it was run.
  public struct Figures: Codable, Equatable, Sendable {
    public var steadyShare: Double?
    public var delayBelowCubic: Double?
    public var lossShare: Double?
    public var jain: Double?
  }

  /// All targets reached on every link of the full matrix.
  public var met: Bool
  /// Whether the runs cover the full matrix.
  public var complete: Bool
  public var figures: Figures
  public var targets: Targets
  /// Why `met` is false on a full matrix: each link that misses a target, with its value, and what makes a
  /// run's figures unfit for a verdict.
  public var misses: [String]

  /// - Parameter congestion: the name under test; `cubic` runs are what its delays are compared with.
  public init(_ runs: [LinkRun], congestion: String, complete: Bool, targets: Targets = Targets()) {
    let own = runs.filter { $0.congestion == congestion }
    let steady = own.filter { $0.cell.part == .steady }
    let lossy = own.filter { $0.cell.part == .loss }
    let fair = own.filter { $0.cell.part == .fairness }
    var misses: [String] = []

    func worst(_ runs: [LinkRun], _ value: (LinkRun) -> Double, _ target: Double, _ name: String) -> Double? {
      for run in runs where !(value(run) >= target) {
        misses.append("\(run.cell.label): \(name) \(decimal(value(run), 3)), target \(target)")
      }
      return runs.map(value).min()
    }
    let steadyShare = worst(steady, \.share, targets.steadyShare, "share")
    let lossShare = worst(lossy, \.share, targets.lossShare, "share")
    let jain = worst(fair, { $0.goodputMbps > 0 ? $0.jain : 0 }, targets.jain, "Jain index")

    let pairs = steady.compactMap { run -> (LinkRun, Double)? in
      let cubic = runs.filter { $0.congestion == "cubic" && $0.cell == run.cell }
      guard !cubic.isEmpty, run.congestion != "cubic" else { return nil }
      return (run, Statistics.mean(cubic.map(\.queueingDelayMeanMs)))
    }
    for (run, cubic) in pairs where !(run.queueingDelayMeanMs < cubic) {
      let own = decimal(run.queueingDelayMeanMs, 2)
      misses.append("\(run.cell.label): queueing delay \(own) ms, CUBIC's \(decimal(cubic, 2))")
    }
    let below = pairs.filter { $0.0.queueingDelayMeanMs < $0.1 }.count
    let spoiled = own.filter { $0.deviceDrops > 0 }
    misses += spoiled.map { "\($0.cell.label): \($0.deviceDrops) packets dropped beside the emulated buffer" }
    let compared = runs.filter { $0.congestion == "cubic" && $0.cell.part == .steady }
    let late = (own + (congestion == "cubic" ? [] : compared)).filter(\.fellBehind)
    misses += late.map { "\($0.cell.label), \($0.congestion): the emulator fell behind" }
    if complete { misses += Self.gaps(steady: steady, compared: pairs.map(\.0)) }

    self.complete = complete
    self.targets = targets
    self.misses = misses
    figures = Figures(
      steadyShare: steadyShare,
      delayBelowCubic: pairs.isEmpty ? nil : Double(below) / Double(pairs.count), lossShare: lossShare,
      jain: jain)
    met = complete && misses.isEmpty
  }

  /// What is missing for a verdict although the plan had every link.
  private static func gaps(steady: [LinkRun], compared: [LinkRun]) -> [String] {
    if steady.isEmpty { return ["no run on a loss-free link"] }
    if compared.isEmpty { return ["no CUBIC run to compare with"] }
    return steady.filter { run in !compared.contains { $0.cell == run.cell } }
      .map { "\($0.cell.label): no CUBIC run to compare with" }
  }
}

extension LinkVerdict {
  public var rows: [VerdictRow] {
    [
      VerdictRow("least share of capacity", figures.steadyShare, .atLeast(targets.steadyShare)),
      VerdictRow(
        "links with less delay than CUBIC", figures.delayBelowCubic, .atLeast(targets.delayBelowCubic)),
      VerdictRow("least share with random loss", figures.lossShare, .atLeast(targets.lossShare)),
      VerdictRow("least Jain index", figures.jain, .atLeast(targets.jain)),
    ]
  }
}
