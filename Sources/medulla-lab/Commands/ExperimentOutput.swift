import ArgumentParser
import Foundation
import MedullaBase
import TestbedExperiments
import TestbedReport

/// What every experiment's command takes and does: the directory, the result file, the plots, the status.
struct ExperimentOutput: ParsableArguments {
  @Option(help: ArgumentHelp("Directory for the results.", valueName: "dir"))
  var out = "experiment-results"
  @Flag(help: "A short run that shows how it goes; it has no verdict.")
  var quick = false
  @Flag(help: "Print the result file on standard output.")
  var json = false

  static let statusText = """
    Exit status: 0 when the experiment meets its judged bounds, and after a quick one, which has no verdict; \
    2 when it misses one; 1 when it could not be measured.
    """

  /// The directory, which is made.
  func directory() throws -> URL {
    let directory = URL(fileURLWithPath: out, isDirectory: true)
    try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: true)
    return directory
  }

  /// Writes `NAME.json` and `NAME.svg`. Called after each run too: an interrupted experiment keeps what it
  /// has.
  func write(_ result: StudyResult, _ plots: PlotSheet) throws {
    let directory = try directory()
    // Whoever is ended in the middle of a write keeps the file of before.
    try Data(JSONText.encode(result).utf8).write(
      to: directory.appendingPathComponent("\(result.experiment).json"), options: .atomic)
    try Data(plots.svg.utf8).write(to: directory.appendingPathComponent("\(result.experiment).svg"))
  }

  /// Writes the final result, prints it or its verdict, and ends with 2 when a target was missed.
  func finish(_ result: StudyResult, _ plots: PlotSheet) throws {
    try write(result, plots)
    if json { print(try JSONText.encode(result)) } else { print(result.verdict.summary) }
    if result.verdict.failed { throw ExitCode(2) }
  }
}
