/// Whether adapting pays, computed from the runs.
public struct AdaptationVerdict: ExperimentVerdict, Equatable {
  public struct Targets: Codable, Equatable, Sendable {
    /// Goodput of the adapting scheme over that of a network trained for the condition, at each interval's
    /// end.
    public var adaptingOverTrained = 0.95

    public init() {}
  }

  /// One condition, as means over the repetitions, Mbit/s.
  public struct Condition: Codable, Equatable, Sendable {
    public var condition: String
    public var frozenMbps: Double?
    public var adaptingMbps: Double?
    public var trainedMbps: Double?
    public var frozenOverTrained: Double?
    public var adaptingOverTrained: Double?
    public var recoverySeconds: Double?
  }

  public struct Figures: Codable, Equatable, Sendable {
    public var conditions: [Condition]
    /// The worst condition of each.
    public var adaptingOverTrained: Double?
    public var frozenOverTrained: Double?
    /// Snapshots that the daemon put in, on average of the repetitions.
    public var updates: Double?
  }

  public var met: Bool
  public var complete: Bool
  public var figures: Figures
  public var targets: Targets
  public var misses: [String]

  public init(_ runs: [AdaptationRun], complete: Bool, targets: Targets = Targets()) {
    let count = runs.map(\.intervals.count).max() ?? 0
    func mean(_ scheme: AdaptationScheme, _ index: Int) -> Double? {
      let values = runs.filter { $0.scheme == scheme && index < $0.intervals.count }
        .map { $0.intervals[index].goodputMbps }
      return values.isEmpty ? nil : Statistics.mean(values)
    }
    let conditions = (0..<count).map { index in
      let (frozen, adapting, trained) = (mean(.frozen, index), mean(.adapting, index), mean(.trained, index))
      func ratio(_ value: Double?) -> Double? {
        value.flatMap { value in trained.flatMap { $0 > 0 ? value / $0 : nil } }
      }
      let recovered = runs.filter { $0.scheme == .adapting && index < $0.intervals.count }
        .map { $0.intervals[index].recoverySeconds }
      let times = recovered.compactMap(\.self)
      return Condition(
        condition: runs.first { index < $0.intervals.count }?.intervals[index].condition.label ?? "",
        frozenMbps: frozen, adaptingMbps: adapting, trainedMbps: trained, frozenOverTrained: ratio(frozen),
        adaptingOverTrained: ratio(adapting),
        recoverySeconds: !times.isEmpty && times.count == recovered.count ? Statistics.mean(times) : nil)
    }
    let adapting = runs.filter { $0.scheme == .adapting }
    figures = Figures(
      conditions: conditions, adaptingOverTrained: conditions.compactMap(\.adaptingOverTrained).min(),
      frozenOverTrained: conditions.compactMap(\.frozenOverTrained).min(),
      updates: adapting.isEmpty
        ? nil : Statistics.mean(adapting.map { Double(max(0, $0.activations.count - 1)) }))
    self.complete = complete
    self.targets = targets
    misses = []
    if complete {
      for condition in conditions where !((condition.adaptingOverTrained ?? 0) >= targets.adaptingOverTrained)
      {
        misses.append("\(condition.condition): \(decimal(condition.adaptingOverTrained ?? 0, 3))")
      }
      if conditions.isEmpty { misses.append("nothing was run") }
      if figures.updates == 0 { misses.append("the daemon put no snapshot in") }
      for run in runs {
        for interval in run.intervals where interval.fellBehind {
          misses.append("\(run.scheme.rawValue), \(interval.condition.name): the emulator fell behind")
        }
      }
    }
    met = complete && misses.isEmpty
  }

  public var rows: [VerdictRow] {
    figures.conditions.flatMap { condition in
      [
        VerdictRow("\(condition.condition)", nil),
        VerdictRow("  frozen (Mbit/s)", condition.frozenMbps, places: 2),
        VerdictRow("  adapting (Mbit/s)", condition.adaptingMbps, places: 2),
        VerdictRow("  trained for it (Mbit/s)", condition.trainedMbps, places: 2),
        VerdictRow("  frozen over trained", condition.frozenOverTrained),
        VerdictRow(
          "  adapting over trained", condition.adaptingOverTrained, .atLeast(targets.adaptingOverTrained)),
        VerdictRow("  5 s at 95% after (s)", condition.recoverySeconds, places: 1),
      ]
    } + [VerdictRow("snapshots that the daemon put in", figures.updates, places: 1)]
  }
}
