/// The format of all result files. It grows with every change that a reader of older files would stumble
/// over.
public enum ResultSchema {
  public static let version = 1
}

/// The result file of an experiment: where it ran and how, what each run gave, and the verdict on them.
public struct ExperimentResult<Plan, Run, Verdict>: Codable, Sendable
where Plan: Codable & Sendable, Run: Codable & Sendable, Verdict: ExperimentVerdict {
  public struct Environment: Codable, Sendable {
    public var host: HostFacts
    public var plan: Plan
    /// How it was measured, in a few sentences.
    public var method: String
  }

  public private(set) var schema = ResultSchema.version
  public var experiment: String
  public var environment: Environment
  public var runs: [Run]
  public var verdict: Verdict {
    didSet { summary = verdict.rows }
  }
  /// The verdict's figures as one list, the same for every experiment.
  public private(set) var summary: [VerdictRow]

  init(_ experiment: String, plan: Plan, method: String, runs: [Run] = [], verdict: Verdict) {
    self.experiment = experiment
    environment = Environment(host: .read(), plan: plan, method: method)
    self.runs = runs
    self.verdict = verdict
    summary = verdict.rows
  }
}

/// Whether the runs of an experiment reach its targets, computed from them.
public protocol ExperimentVerdict: Codable, Sendable {
  /// Every target reached, by a complete experiment.
  var met: Bool { get }
  /// Whether the runs are the whole experiment; a quick one has no verdict.
  var complete: Bool { get }
  /// Why `met` is false.
  var misses: [String] { get }
  /// The verdict for a terminal, without the closing sentence.
  var rows: [VerdictRow] { get }
}

extension ExperimentVerdict {
  /// The whole experiment was run and does not meet the targets.
  public var failed: Bool { complete && !met }

  /// The verdict for a terminal.
  public var summary: String {
    let closing =
      met ? "All targets met." : complete ? "Not all targets met." : "Not the whole experiment: no verdict."
    return (rows.map(\.text) + misses.map { "missed: \($0)" } + [closing]).joined(separator: "\n")
  }
}
