import Foundation
import TestbedLink

/// The runs that a result file has already, for a study that goes on where it was interrupted.
package struct EarlierRuns: Sendable {
  private struct Turn: Hashable {
    var cell: [String: PlanValue]
    var round: Int
  }

  private let runs: [Turn: StudyRun]
  /// In how many sittings they were taken.
  package let sittings: Int

  package var count: Int { runs.count }

  /// Takes over what a file has of the plan. A run with a fault, or in which something could not be
  /// measured, is left out, so that it is made again.
  ///
  /// - Throws: `badParameter` where the file is of another plan, machine, program or network: its runs and
  ///   new
  ///   ones would not be of one experiment.
  package init(contentsOf path: String, of study: Study, _ plan: StudyPlan, _ context: StudyContext) throws {
    guard case .trials = study.course else {
      throw TestbedError(
        .badParameter, "\(study.name) is one course from its start to its end.",
        remedy: "Run it without --resume.")
    }
    guard let data = FileManager.default.contents(atPath: path) else {
      throw TestbedError(.fileFailed, "\(path) cannot be read.", remedy: "Run it without --resume.")
    }
    let recorded: Recorded
    do { recorded = try JSONDecoder().decode(Recorded.self, from: data) } catch {
      throw TestbedError(
        .unreadableReport, "\(path) is no result that can be resumed: \(error).",
        remedy: "Run it without --resume.")
    }
    let differences = recorded.differences(from: StudyResult.Environment(study, plan, context), study)
    guard differences.isEmpty else {
      throw TestbedError(
        .badParameter, "\(path) cannot be resumed: it has another \(differences.joined(separator: ", ")).",
        remedy: "Run it without --resume, or with --out for another directory.")
    }
    let cells = study.cells(plan)
    let byParts = Dictionary(cells.map { ($0.values, $0) }) { first, _ in first }
    runs = recorded.runs.reduce(into: [:]) { runs, run in
      guard let cell = byParts[run.cell], run.isSound, runs[Turn(cell: run.cell, round: run.round)] == nil
      else { return }
      runs[Turn(cell: run.cell, round: run.round)] = StudyRun(
        cell, round: run.round, Reading(recorded: run.values, series: run.series ?? [:]),
        attempts: run.attempts ?? 1)
    }
    sittings = recorded.sittings ?? 1
  }

  /// nil: it has still to be made.
  subscript(cell: StudyCell, round: Int) -> StudyRun? { runs[Turn(cell: cell.values, round: round)] }
}

/// A result file, as far as it matters here.
private struct Recorded: Decodable {
  struct Run: Decodable {
    var cell: [String: PlanValue]
    var round: Int
    var values: [String: Double]
    var series: [String: [Double]]?
    var faults: [String]?
    var unmeasured: [String]?
    var attempts: Int?

    var isSound: Bool { faults?.isEmpty ?? true && unmeasured?.isEmpty ?? true }
  }

  struct Environment: Decodable {
    var host: HostFacts
    var plan: [String: PlanValue]
    var program: String?
    var network: String?
  }

  var schema: Int
  var experiment: String
  var environment: Environment
  var runs: [Run]
  var sittings: Int?

  /// What is not as it is now, in words.
  func differences(from now: StudyResult.Environment, _ study: Study) -> [String] {
    var differences: [String] = []
    func compare(_ name: String, _ same: Bool) { if !same { differences.append(name) } }
    compare("schema (\(schema))", schema == ResultSchema.version)
    compare("experiment (\(experiment))", experiment == study.name)
    let (was, own) = (environment.host, now.host)
    compare("kernel (\(was.kernel))", was.kernel == own.kernel)
    compare(
      "machine (\(was.processors) × \(was.processor), \(was.architecture))",
      was.processor == own.processor && was.processors == own.processors
        && was.architecture == own.architecture)
    compare("iperf3 (\(was.iperf3))", was.iperf3 == own.iperf3)
    compare("build of this program", environment.program == now.program)
    compare("shipped network", environment.network == now.network)
    let keys = Set(environment.plan.keys).union(now.plan.names).sorted()
    for key in keys where environment.plan[key] != now.plan[key] {
      compare("plan (\(key) was \(environment.plan[key]?.text ?? "not there"))", false)
    }
    return differences
  }
}

extension Reading {
  /// As a result file has it.
  init(recorded values: [String: Double], series: [String: [Double]]) {
    self.init()
    for (key, value) in values { self[Metric(key, "")] = value }
    self.series = series
  }
}
