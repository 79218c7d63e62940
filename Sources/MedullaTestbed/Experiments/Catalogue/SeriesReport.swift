import Foundation

/// One report of the result files in a directory, beside what the paper found.
public struct SeriesReport {
  private let results: [(facts: ExperimentFacts, summary: ResultSummary, svg: String)]
  private let account: ExperimentSeries.Account?

  /// Reads what is there; experiments without a result file are left out.
  public init(directory: String, account: ExperimentSeries.Account?) throws {
    self.account = account
    results = try ExperimentCatalogue.all.compactMap { facts in
      let path = "\(directory)/\(facts.name).json"
      guard FileManager.default.fileExists(atPath: path) else { return nil }
      let svg = (try? String(contentsOfFile: "\(directory)/\(facts.name).svg", encoding: .utf8)) ?? ""
      return (facts, try ResultSummary(contentsOf: path), svg)
    }
    guard !results.isEmpty else {
      throw TestbedError(
        .fileFailed, "There are no result files in \(directory).", remedy: "Run an experiment first.")
    }
  }

  /// One line for each experiment.
  public static func table(_ account: ExperimentSeries.Account) -> TextTable {
    TextTable(
      columns: ["experiment", "verdict", "runs", "seconds", "targets missed"],
      rows: account.entries.map { entry in
        [
          entry.experiment, words(entry.outcome), "\(entry.runs)", "\(Int(entry.seconds.rounded()))",
          entry.outcome == .missed ? "\(entry.misses.count)" : "",
        ]
      })
  }

  private static func words(_ outcome: ExperimentSeries.Entry.Outcome) -> String {
    switch outcome {
    case .met: "met"
    case .missed: "missed"
    case .noVerdict: "quick, no verdict"
    case .failed: "failed"
    }
  }

  public var document: HTMLReport {
    var blocks: [HTMLReport.Block] = []
    if let host = results.first?.summary.environment.host {
      blocks.append(
        .paragraph("Linux \(host.kernel), \(host.processors) × \(host.processor), \(host.iperf3)."))
    }
    if let account {
      if account.entries.contains(where: { $0.outcome == .noVerdict }) {
        blocks.append(
          .notice("A quick run: it shows how the experiments go, and its figures carry no verdict."))
      }
      blocks += [.heading("Summary"), .table(Self.table(account))]
      for entry in account.entries {
        if let reason = entry.reason { blocks.append(.notice("\(entry.experiment): \(reason)")) }
      }
      blocks.append(
        account.leftovers.isEmpty
          ? .paragraph("Nothing was left in the kernel.")
          : .notice("Left in the kernel: \(account.leftovers.joined(separator: ", "))."))
    }
    for result in results { blocks += section(result.facts, result.summary, result.svg) }
    return HTMLReport(
      "Medulla's experiments", subtitle: "The evaluation of the LiteFlow paper, repeated", blocks: blocks)
  }

  private func section(_ facts: ExperimentFacts, _ summary: ResultSummary, _ svg: String) -> [HTMLReport
    .Block]
  {
    var blocks: [HTMLReport.Block] = [.heading("\(facts.name): \(facts.title)")]
    if let paper = facts.paper {
      blocks.append(.paragraph("The paper (\(paper.place)): \(paper.findings.joined(separator: " "))"))
    }
    let verdict = summary.verdict
    let judgement =
      verdict.met
      ? "All targets met." : verdict.complete ? "Targets missed." : "Not the whole experiment: no verdict."
    blocks.append(.paragraph("Here, \(summary.runCount) runs. \(judgement)"))
    let rows = summary.rows.map { row in
      // A part of an experiment shows how far it is from a target, and judges nothing.
      let judged = verdict.complete ? row.holds : nil
      return [row.name, row.shown, row.target, judged.map { $0 ? "ok" : "missed" } ?? ""]
    }
    blocks.append(.table(TextTable(columns: ["figure", "here", "target", ""], rows: rows)))
    blocks += verdict.misses.map { .notice("Missed: \($0)") }
    if !svg.isEmpty { blocks.append(.drawing(svg: svg, file: "\(facts.name).svg", title: facts.title)) }
    blocks.append(.paragraph("Method: \(summary.environment.method)"))
    return blocks
  }
}
