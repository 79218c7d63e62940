import ArgumentParser
import Foundation
import MedullaBase
import TestbedExperiments
import TestbedLink

/// `medulla experiment all`: every experiment, one account, one report.
struct ExperimentAllCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "all", abstract: "Run all experiments and write one report.",
    discussion: """
      Each runs in a process of its own and writes its result file and plots; all.json, report.html and \
      report.md put them together, beside what the paper found. With --quick less than 15 minutes. `links` \
      (35 minutes), `soak` (as long), `fig16` and `fig17` (which need ns-3), `ablation`, `coexistence` and \
      `short-transfers` (hours) run only when --only names them.

      What needs a program that is missing is said at the start and left out.

      Exit status: 0 when nothing was missed; 2 when a target was; 1 when something could not be measured, \
      or was left in the kernel.
      """)

  @OptionGroup var output: ExperimentOutput
  @Option(help: ArgumentHelp("Only these, with commas between them.", valueName: "names"))
  var only: String?
  @Option(help: ArgumentHelp("All but these.", valueName: "names"))
  var without: String?
  @Flag(help: "Run nothing; make the report of the result files that are there.")
  var reportOnly = false

  func run() throws {
    Interruption.watch()
    let directory = try output.directory()
    guard !reportOnly else { return try write(nil, directory) }
    let series = try ExperimentSeries(names(), directory: directory.path, quick: output.quick)
    for (name, obstacle) in series.obstacles { Narration.tell("left out: \(name): \(obstacle)") }
    let account = try series.run { entry in
      Narration.tell(
        "\(entry.experiment): \(entry.outcome.rawValue), \(Int(entry.seconds.rounded())) s"
          + (entry.reason.map { ": \($0)" } ?? ""))
    }
    try Data(JSONText.encode(account).utf8).write(to: directory.appendingPathComponent("all.json"))
    try write(account, directory)
    if output.json { print(try JSONText.encode(account)) } else { print(SeriesReport.table(account).text) }
    Narration.tell("\(Int(account.seconds.rounded())) s in all; report: \(directory.path)/report.html")
    for left in account.leftovers { Narration.tell("left in the kernel: \(left)") }
    if account.leftovers.isEmpty { Narration.tell("Nothing is left in the kernel.") }
    if !account.isClean { throw ExitCode(1) }
    if account.misses { throw ExitCode(2) }
  }

  private func names() throws -> [String] {
    func list(_ text: String?) -> [String] { (text ?? "").split(separator: ",").map(String.init) }
    if only != nil { return list(only) }
    let left = Set(list(without))
    for name in left where Study.named(name) == nil {
      throw ValidationError("--without names `\(name)`, which is no experiment.")
    }
    return Study.all.filter { !$0.alone && !left.contains($0.name) }.map(\.name)
  }

  private func write(_ account: ExperimentSeries.Account?, _ directory: URL) throws {
    let report = try SeriesReport(directory: directory.path, account: account)
    try Data(report.document.html.utf8).write(to: directory.appendingPathComponent("report.html"))
    try Data(report.document.markdown.utf8).write(to: directory.appendingPathComponent("report.md"))
  }
}
