/// What `fig1` and `fig11` visit: the congested path with the paper's background, and with one that comes
/// and goes.
public struct GoodputPlan: ExperimentPlan {
  /// How the background behaves.
  public enum Setting: String, Codable, CaseIterable, Sendable {
    /// Constant, as in the paper.
    case constant
    /// Congestion arises and goes.
    case changing
  }

  public var path: CongestedPathPlan
  /// The changing background's rate while it sends, and its seconds of sending and of silence.
  public var changingMbps = 800.0
  public var changingOn = 1.0
  public var changingOff = 1.0

  public init() {
    path = CongestedPathPlan()
    path.repeats = 3
  }

  public static var quick: GoodputPlan {
    var plan = GoodputPlan()
    plan.path = .quick
    plan.path.schemes = SteeringScheme.list("medulla", "user-100ms")
    return plan
  }

  public var repeats: Int {
    get { path.repeats }
    set { path.repeats = newValue }
  }
  public var seed: UInt64 {
    get { path.seed }
    set { path.seed = newValue }
  }
  public var runCount: Int { path.runCount * Setting.allCases.count }

  public var isComplete: Bool { covers(GoodputPlan()) }

  func covers(_ full: GoodputPlan) -> Bool {
    path.covers(full.path) && changingMbps == full.changingMbps && changingOn == full.changingOn
      && changingOff == full.changingOff
  }

  public func validate() throws {
    for setting in Setting.allCases { try path(setting).validate() }
    try require(
      changingOn > 0 && changingOff > 0, "The changing background has no pauses.",
      remedy: "Give seconds of sending and of silence above 0.")
  }

  /// The path with the setting's background.
  func path(_ setting: Setting) -> CongestedPathPlan {
    guard setting == .changing else { return path }
    var path = path
    path.backgroundMbps = changingMbps
    (path.backgroundOn, path.backgroundOff) = (changingOn, changingOff)
    return path
  }
}

/// A run of `fig11`.
public struct GoodputRun: ExperimentRun {
  public var setting: GoodputPlan.Setting
  /// Payload that the background left, on average over the measured time.
  public var freeMbps: Double
  /// Root mean square of the difference between goodput and what was free, over tenths of a second.
  public var distanceMbps: Double
  public var measures: FlowMeasures

  public var line: String {
    "\(setting.rawValue.padding(9)) \(decimal(distanceMbps, 0)) off \(decimal(freeMbps, 0)): \(measures.line)"
  }

  init(
    setting: GoodputPlan.Setting, freeMbps: Double, distanceMbps: Double, measures: FlowMeasures
  ) {
    (self.setting, self.freeMbps) = (setting, freeMbps)
    (self.distanceMbps, self.measures) = (distanceMbps, measures)
  }

  init(
    _ outcome: FlowTrial.Outcome, _ trial: FlowTrial, _ path: CongestedPathPlan,
    _ setting: GoodputPlan.Setting
  ) {
    let (start, end) = (Double(trial.warmUp), Double(trial.seconds))
    let began = outcome.backgroundBegan ?? 0
    let goodput = outcome.transfer.goodputSeries(from: start, to: end, every: trial.interval)
    let free = goodput.indices.map { index in
      let from = start + Double(index) * trial.interval - began
      return path.freeMbps(duty: trial.background.duty(from: from, to: from + trial.interval))
    }
    let squares = zip(goodput, free).map { ($0 - $1) * ($0 - $1) }
    self.init(
      setting: setting, freeMbps: free.isEmpty ? 0 : Statistics.mean(free),
      distanceMbps: squares.isEmpty ? 0 : Statistics.mean(squares).squareRoot(), measures: outcome.measures)
  }
}
