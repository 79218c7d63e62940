/// The result file of an experiment: where it ran and how, what each run gave, and the verdict on them.
public struct ExperimentResult<Plan, Run, Verdict>: Codable, Sendable
where Plan: Codable & Sendable, Run: Codable & Sendable, Verdict: ExperimentVerdict {
  public struct Environment: Codable, Sendable {
    public var host: HostFacts
    public var plan: Plan
    /// How it was measured, in a few sentences.
    public var method: String
  }

  public var experiment: String
  public var environment: Environment
  public var runs: [Run]
  public var verdict: Verdict

  init(_ experiment: String, plan: Plan, method: String, runs: [Run] = [], verdict: Verdict) {
    self.experiment = experiment
    environment = Environment(host: .read(), plan: plan, method: method)
    self.runs = runs
    self.verdict = verdict
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

/// One figure of a verdict and what it has to be.
public struct VerdictRow: Sendable, Equatable {
  public var name: String
  public var value: Double?
  public var places: Int
  public var bound: Bound?

  public enum Bound: Sendable, Equatable {
    case atLeast(Double)
    case atMost(Double)
  }

  public init(_ name: String, _ value: Double?, _ bound: Bound? = nil, places: Int = 3) {
    self.name = name
    self.value = value
    self.bound = bound
    self.places = places
  }

  /// nil: nothing to reach, or nothing measured.
  public var holds: Bool? {
    guard let value, let bound else { return nil }
    return switch bound {
    case .atLeast(let least): value >= least
    case .atMost(let most): value <= most
    }
  }

  var text: String {
    let shown = value.map { decimal($0, places) } ?? "not run"
    let target =
      switch bound {
      case .atLeast(let least): "   target ≥ \(decimal(least, places))"
      case .atMost(let most): "   target ≤ \(decimal(most, places))"
      case nil: ""
      }
    return name.padding(46) + " " + shown.indenting(9) + target
      + (holds.map { $0 ? "   ok" : "   MISSED" } ?? "")
  }
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
