/// Whether the soak left everything whole, computed from its looks.
public struct SoakVerdict: ExperimentVerdict, Equatable {
  public struct Targets: Codable, Equatable, Sendable {
    public var broken = 0
    /// Kernel's count of flows less the connections that stood.
    public var miscounted = 0
    public var heldAtEnd = 0
    /// Growth of memory in MiB an hour, by least squares: of what the daemon has over its lives, and the
    /// kernel, over the second half; of the daemon's last life, once its caches are full.
    public var daemonGrowth = 20.0
    public var kernelGrowth = 100.0
    public var daemonAloneGrowth = 20.0
    /// Mean growth of a daemon's life, in MiB: it fills its caches.
    public var lifeGrowth = 4.0
    /// Left staged, or inferring beside the active snapshot, after the daemon's stop.
    public var leftStaged = 0
    /// Promotions without a verdict and a known reason, and active snapshots without a record.
    public var unexplained = 0

    public init() {}
  }

  public struct Figures: Codable, Equatable, Sendable {
    public var seconds: Double
    public var begun: Int
    public var completed: Int
    public var broken: Int
    public var skipped: Int
    public var miscounted: Int?
    public var heldAtEnd: Int?
    public var kills: Int
    public var adapterCrashes: Int
    public var updates: Int
    public var samples: Int
    public var samplesDropped: Int
    public var completionP50Seconds: Double?
    public var completionP99Seconds: Double?
    public var daemonGrowthMiBPerHour: Double?
    public var kernelGrowthMiBPerHour: Double?
    public var daemonMaximumMiB: Double?
    public var daemonLifeGrowthMiB: Double?
    public var daemonAloneGrowthMiBPerHour: Double?
    public var ending: SoakEnding?
  }

  public var met: Bool
  public var complete: Bool
  public var figures: Figures
  public var targets: Targets
  public var misses: [String]

  /// - Parameters:
  ///   - looks: the last one is after the last flow.
  ///   - completion: seconds of the flows.
  ///   - ending: what was left when everything had ended; nil: it goes on.
  public init(
    _ looks: [SoakLook], completion: [Double] = [], adapterCrashes: Int = 0, expectedKills: Int = 0,
    ending: SoakEnding? = nil, complete: Bool, targets: Targets = Targets()
  ) {
    let last = looks.last
    let late = looks.filter { $0.time * 2 >= (last?.time ?? 0) }
    func growth(_ value: (SoakLook) -> Int?) -> Double? {
      let points = late.compactMap { look in
        value(look).map { (x: look.time / 3600, y: Double($0) / 1_048_576) }
      }
      return points.count > 3 ? Statistics.slope(points) : nil
    }
    let flows = last?.flows ?? ShortFlows.Counts()
    figures = Figures(
      seconds: last?.time ?? 0, begun: flows.begun, completed: flows.completed, broken: flows.broken,
      skipped: flows.skipped,
      miscounted: ending != nil ? last.map { abs($0.taken - $0.flows.connected) } : nil,
      heldAtEnd: ending != nil ? last?.held : nil, kills: last?.kills ?? 0, adapterCrashes: adapterCrashes,
      updates: max(0, (last?.version ?? 1) - 1), samples: last?.samples ?? 0,
      samplesDropped: last?.samplesDropped ?? 0,
      completionP50Seconds: completion.isEmpty ? nil : Statistics.quantile(completion, 0.5),
      completionP99Seconds: completion.isEmpty ? nil : Statistics.quantile(completion, 0.99),
      daemonGrowthMiBPerHour: growth(\.daemonBytes), kernelGrowthMiBPerHour: growth { $0.kernelBytes },
      daemonMaximumMiB: looks.compactMap(\.daemonBytes).max().map { Double($0) / 1_048_576 },
      daemonLifeGrowthMiB: SoakMemory.growthOfLives(looks),
      daemonAloneGrowthMiBPerHour: SoakMemory.growthAlone(looks), ending: ending)
    self.complete = complete
    self.targets = targets
    misses = []
    met = false
    if complete { judge(expectedKills: expectedKills) }
    met = complete && misses.isEmpty
  }

  private mutating func judge(expectedKills: Int) {
    misses = rows.filter { $0.bound != nil && $0.holds != true }
      .map { "\($0.name): \($0.value.map { decimal($0, 2) } ?? "not measured")" }
    if figures.completed + figures.broken != figures.begun || figures.begun == 0 {
      misses.append("\(figures.begun) flows begun, \(figures.completed) complete")
    }
    if figures.skipped > 0 { misses.append("\(figures.skipped) flows were not begun: too many under way") }
    if figures.kills < expectedKills { misses.append("\(figures.kills) of \(expectedKills) kills") }
    if figures.adapterCrashes == 0 { misses.append("the adapter did not crash") }
    if figures.updates == 0 { misses.append("no snapshot was put in") }
    guard let rollouts = figures.ending?.rollouts else { return }
    if rollouts.promotions == 0 { misses.append("no promotion is written down") }
    for version in rollouts.unexplained { misses.append("snapshot \(version): promoted, and no word after") }
    for version in rollouts.unrecorded { misses.append("snapshot \(version): active, and not written down") }
  }

  public var rows: [VerdictRow] {
    [
      VerdictRow("flows begun", Double(figures.begun), places: 0),
      VerdictRow("complete, with all their bytes", Double(figures.completed), places: 0),
      VerdictRow("broken", Double(figures.broken), .atMost(Double(targets.broken)), places: 0),
      VerdictRow(
        "kernel's count of flows, off by", figures.miscounted.map(Double.init),
        .atMost(Double(targets.miscounted)), places: 0),
      VerdictRow(
        "flows that slots hold at the end", figures.heldAtEnd.map(Double.init),
        .atMost(Double(targets.heldAtEnd)), places: 0),
      VerdictRow("kills of the daemon", Double(figures.kills), places: 0),
      VerdictRow("crashes of the adapter", Double(figures.adapterCrashes), places: 0),
      VerdictRow("snapshots put in", Double(figures.updates), places: 0),
      VerdictRow(
        "left staged or shadowed at the end", figures.ending.map { Double($0.staged + $0.shadowed) },
        .atMost(Double(targets.leftStaged)), places: 0),
      VerdictRow("promotions", figures.ending.map { Double($0.rollouts.promotions) }, places: 0),
      VerdictRow(
        "of them cut off by a kill", figures.ending.map { Double($0.rollouts.interrupted) }, places: 0),
      VerdictRow(
        "without a verdict or a reason",
        figures.ending.map { Double($0.rollouts.unexplained.count + $0.rollouts.unrecorded.count) },
        .atMost(Double(targets.unexplained)), places: 0),
      VerdictRow("time of a flow, median (s)", figures.completionP50Seconds),
      VerdictRow("time of a flow, p99 (s)", figures.completionP99Seconds),
      VerdictRow(
        "daemon's memory, growth over lives (MiB/h)", figures.daemonGrowthMiBPerHour,
        .atMost(targets.daemonGrowth), places: 1),
      VerdictRow(
        "of a life, mean (MiB)", figures.daemonLifeGrowthMiB, .atMost(targets.lifeGrowth), places: 1),
      VerdictRow(
        "of the last life, caches full (MiB/h)", figures.daemonAloneGrowthMiBPerHour,
        .atMost(targets.daemonAloneGrowth), places: 1),
      VerdictRow(
        "kernel's memory, growth (MiB/h)", figures.kernelGrowthMiBPerHour, .atMost(targets.kernelGrowth),
        places: 1),
    ]
  }
}
