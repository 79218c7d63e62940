import Foundation

/// Several experiments one after another, each in a process of its own, with one account of all.
public struct ExperimentSeries {
  /// What became of one experiment.
  public struct Entry: Codable, Equatable, Sendable {
    public enum Outcome: String, Codable, Sendable {
      case met
      case missed
      /// A quick run, or a part of the whole.
      case noVerdict = "no-verdict"
      case failed
    }

    public var experiment: String
    public var outcome: Outcome
    public var seconds: Double
    public var runs: Int
    public var misses: [String]
    /// Why it failed.
    public var reason: String?
  }

  public struct Account: Codable, Equatable, Sendable {
    public var schema = ResultSchema.version
    public var entries: [Entry] = []
    public var seconds = 0.0
    /// What the experiments left in the kernel; empty as it should be.
    public var leftovers: [String] = []

    /// Everything could be measured, no target was missed, and nothing is left.
    public var isClean: Bool { leftovers.isEmpty && entries.allSatisfy { $0.outcome != .failed } }
    public var misses: Bool { entries.contains { $0.outcome == .missed } }
  }

  /// Longest time of one experiment.
  private static let limit = Duration.seconds(3 * 3_600)
  /// Longest time of a quick one.
  private static let quickLimit = Duration.seconds(600)

  public let names: [String]
  public let directory: String
  public let quick: Bool
  private let executable: String

  public init(
    _ names: [String], directory: String, quick: Bool, executable: String = LinkEmulator.ownExecutable
  ) throws {
    for name in names where ExperimentCatalogue.facts(of: name) == nil {
      throw TestbedError(
        .badParameter, "There is no experiment `\(name)`.", remedy: "`medulla experiment list` names them.")
    }
    self.names = names
    self.directory = directory
    self.quick = quick
    self.executable = executable
  }

  /// Runs them all; one that fails does not keep the others from running.
  public func run(tell: (Entry) throws -> Void) throws -> Account {
    let before = Leftovers.read()
    let start = ContinuousClock.now
    var account = Account()
    for name in names {
      try Interruption.check()
      let entry = try run(name)
      account.entries.append(entry)
      try tell(entry)
    }
    account.seconds = (ContinuousClock.now - start).inSeconds
    account.leftovers = Leftovers.read().beyond(before)
    return account
  }

  private func run(_ name: String) throws -> Entry {
    let start = ContinuousClock.now
    var entry = Entry(experiment: name, outcome: .failed, seconds: 0, runs: 0, misses: [])
    do {
      // An older result must not stand for a run that failed.
      try? FileManager.default.removeItem(atPath: "\(directory)/\(name).json")
      let child = try ChildProcess(
        [executable, "experiment", name, "--out", directory] + (quick ? ["--quick"] : []),
        output: .discarded, errors: .inherited)
      let outcome = try child.finish(within: quick ? Self.quickLimit : Self.limit)
      if outcome.status == 0 || outcome.status == 2 {
        let summary = try ResultSummary(contentsOf: "\(directory)/\(name).json")
        let verdict = summary.verdict
        entry.outcome = verdict.met ? .met : verdict.complete ? .missed : .noVerdict
        entry.runs = summary.runCount
        entry.misses = verdict.misses
      } else {
        entry.reason = "it ended with status \(outcome.status)"
      }
    } catch let error as TestbedError where error.code != .interrupted {
      entry.reason = error.description
    }
    entry.seconds = (ContinuousClock.now - start).inSeconds
    return entry
  }
}
