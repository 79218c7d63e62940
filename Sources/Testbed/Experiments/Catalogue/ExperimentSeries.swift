import Foundation
import MedullaBase
import TestbedLink

/// Several experiments one after another, each in a process of its own, with one account of all.
package struct ExperimentSeries {
  /// What became of one experiment.
  package struct Entry: Codable, Equatable, Sendable {
    package enum Outcome: String, Codable, Sendable {
      case met
      case missed
      /// A quick run, or a part of the whole.
      case noVerdict = "no-verdict"
      case failed
      /// This machine lacks a program that it drives.
      case leftOut = "left-out"
    }

    package var experiment: String
    package var outcome: Outcome
    package var seconds: Double
    package var runs: Int
    package var misses: [String]
    /// Why it failed or was left out.
    package var reason: String?
  }

  package struct Account: Codable, Equatable, Sendable {
    package var schema = ResultSchema.version
    package var entries: [Entry] = []
    package var seconds = 0.0
    /// What the experiments left in the kernel; empty as it should be.
    package var leftovers: [String] = []

    /// Everything could be measured, no target was missed, and nothing is left.
    package var isClean: Bool { leftovers.isEmpty && entries.allSatisfy { $0.outcome != .failed } }
    package var misses: Bool { entries.contains { $0.outcome == .missed } }
  }

  /// Longest time of one experiment.
  private static let limit = Duration.seconds(3 * 3_600)
  /// Longest time of a quick one.
  private static let quickLimit = Duration.seconds(600)

  package let names: [String]
  package let directory: String
  package let quick: Bool
  private let executable: String

  package init(
    _ names: [String], directory: String, quick: Bool, executable: String = LinkEmulator.ownExecutable
  ) throws {
    for name in names where Study.named(name) == nil {
      throw TestbedError(
        .badParameter, "There is no experiment `\(name)`.", remedy: "`medulla experiment list` names them.")
    }
    self.names = names
    self.directory = directory
    self.quick = quick
    self.executable = executable
  }

  /// Those that cannot be measured on this machine, and why.
  package var obstacles: [(name: String, obstacle: TestbedError)] {
    names.compactMap { name in Study.named(name)?.obstacle.map { (name, $0) } }
  }

  /// Runs them all but those with an obstacle; one that fails does not keep the others from running.
  package func run(tell: (Entry) throws -> Void) throws -> Account {
    let before = Leftovers.read()
    let start = ContinuousClock.now
    var account = Account()
    let obstacles = Dictionary(uniqueKeysWithValues: obstacles)
    for name in names {
      try Interruption.check()
      let entry =
        try obstacles[name].map {
          Entry(
            experiment: name, outcome: .leftOut, seconds: 0, runs: 0, misses: [], reason: $0.description)
        } ?? run(name)
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
