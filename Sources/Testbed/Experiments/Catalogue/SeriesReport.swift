import Foundation
import MedullaBase
import TestbedLink
import TestbedReport

/// One report of the result files in a directory, beside what the paper found.
package struct SeriesReport {
  private let results: [(study: Study, summary: ResultSummary, svg: String)]
  private let account: ExperimentSeries.Account?

  /// Reads what is there; experiments without a result file are left out.
  package init(directory: String, account: ExperimentSeries.Account?) throws {
    self.account = account
    results = try Study.all.compactMap { study in
      let path = "\(directory)/\(study.name).json"
      guard FileManager.default.fileExists(atPath: path) else { return nil }
      let svg = (try? String(contentsOfFile: "\(directory)/\(study.name).svg", encoding: .utf8)) ?? ""
      return (study, try ResultSummary(contentsOf: path), svg)
    }
    guard !results.isEmpty else {
      throw TestbedError(
        .fileFailed, "There are no result files in \(directory).", remedy: "Run an experiment first.")
    }
  }

  /// One line for each experiment.
  package static func table(_ account: ExperimentSeries.Account) -> TextTable {
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
    case .leftOut: "left out"
    }
  }

  package var document: HTMLReport {
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
    for result in results { blocks += section(result.study, result.summary, result.svg) }
    return HTMLReport(
      "Medulla's experiments", subtitle: "The evaluation of the LiteFlow paper, repeated", blocks: blocks)
  }

  private func section(_ study: Study, _ summary: ResultSummary, _ svg: String) -> [HTMLReport.Block] {
    var blocks: [HTMLReport.Block] = [.heading("\(study.name): \(study.title)")]
    if let paper = study.paper {
      blocks.append(.paragraph("The paper (\(paper.place)): \(paper.findings.joined(separator: " "))"))
    }
    let verdict = summary.verdict
    let closing = Verdict.closing(summary.rows, complete: verdict.complete)
    let sittings = summary.sittings.map { $0 > 1 ? " in \($0) sittings" : "" } ?? ""
    blocks.append(.paragraph("Here, \(summary.runCount) runs\(sittings). \(closing)"))
    blocks.append(
      .table(
        TextTable(
          columns: ["figure", "here", "bound", "source", ""],
          rows: summary.rows.map { Self.cells($0, complete: verdict.complete) })))
    blocks += verdict.misses.map { .notice("Missed: \($0)") }
    if verdict.complete { blocks += Self.explanations(summary.rows) }
    if !svg.isEmpty { blocks.append(.drawing(svg: svg, file: "\(study.name).svg", title: study.title)) }
    blocks.append(.paragraph("Method: \(summary.environment.method)"))
    return blocks
  }

  private static func cells(_ row: VerdictRow, complete: Bool) -> [String] {
    // A part of a study shows how far it is from a bound, and judges nothing.
    let word =
      !complete || row.bound == nil ? "" : row.isMissed ? "missed" + (row.judged ? "" : ", not judged") : "ok"
    return [row.name, row.shown, row.target, row.source ?? "", word]
  }

  /// Why rows are missed, each reason once.
  private static func explanations(_ rows: [VerdictRow]) -> [HTMLReport.Block] {
    let missed = rows.filter { $0.isMissed && $0.explanation != nil }
    let reasons = missed.compactMap(\.explanation).reduce(into: [String]()) {
      if !$0.contains($1) { $0.append($1) }
    }
    return reasons.map { reason in
      let names = missed.filter { $0.explanation == reason }.map(\.name)
      return .paragraph("Why (\(names.joined(separator: "; "))): \(reason)")
    }
  }
}
