/// A measurement that can be repeated: a plan, runs that are taken one after another, and a verdict and plots
/// that are computed from them.
public protocol Experiment {
  associatedtype Plan: ExperimentPlan
  associatedtype Run: ExperimentRun
  typealias Result = ExperimentResult<Plan, Run, TargetVerdict>

  static var facts: ExperimentFacts { get }

  /// Checks that everything it needs is there, and prepares it.
  init(_ plan: Plan, context: ExperimentContext) throws

  /// Measures; hands over each run as it ends. What it makes, it removes, also when it throws.
  func measure(_ take: (Run) throws -> Void) throws

  /// The figures with their bounds, and what makes the runs unfit for a verdict.
  static func judge(_ runs: [Run], _ plan: Plan) -> (rows: [VerdictRow], faults: [String])

  static func plots(_ runs: [Run], _ plan: Plan) -> PlotSheet
}

/// What an experiment visits, how often and for how long.
public protocol ExperimentPlan: Codable, Equatable, Sendable {
  /// The whole experiment.
  init()
  /// A short run that shows how it goes.
  static var quick: Self { get }
  var repeats: Int { get set }
  var seed: UInt64 { get set }
  /// Runs that a plan leads to.
  var runCount: Int { get }
  /// Whether it covers the whole experiment, so that there is a verdict.
  var isComplete: Bool { get }
  /// Throws `badParameter` for a plan that cannot be run.
  func validate() throws
}

public protocol ExperimentRun: Codable, Sendable {
  /// One line for the terminal.
  var line: String { get }
}

/// What an experiment may use.
public struct ExperimentContext: Sendable {
  /// The directory of the shipped network.
  public var models: String
  /// The `medulla` program.
  public var executable: String
  public var narrate: @Sendable (String) -> Void

  public init(
    models: String, executable: String = LinkEmulator.ownExecutable,
    narrate: @escaping @Sendable (String) -> Void = { _ in }
  ) {
    self.models = models
    self.executable = executable
    self.narrate = narrate
  }
}

extension Experiment {
  /// Runs the whole plan; `tell` hears each run as it ends, with the result so far.
  public static func perform(
    _ plan: Plan, context: ExperimentContext,
    tell: (_ done: Int, _ of: Int, Run, Result) throws -> Void
  ) throws -> Result {
    try plan.validate()
    let experiment = try Self(plan, context: context)
    var result = Result(
      facts.name, plan: plan, method: facts.method, verdict: TargetVerdict([], complete: false))
    try experiment.measure { run in
      result.runs.append(run)
      let (rows, faults) = judge(result.runs, plan)
      let complete = plan.isComplete && result.runs.count == plan.runCount
      result.verdict = TargetVerdict(rows, faults: faults, complete: complete)
      try tell(result.runs.count, plan.runCount, run, result)
    }
    return result
  }
}

extension ExperimentPlan {
  /// Throws `badParameter` with a reason unless a condition holds.
  func require(_ condition: Bool, _ message: String, remedy: String) throws {
    guard condition else { throw TestbedError(.badParameter, message, remedy: remedy) }
  }

  /// The plan with some of its values replaced.
  ///
  /// - Parameter settings: `key=JSON`, keys as the result file writes them.
  public func replacing(_ settings: [String]) throws -> Self {
    guard !settings.isEmpty else { return self }
    return try PlanSettings.apply(settings, to: self)
  }
}
