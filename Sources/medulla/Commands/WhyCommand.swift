import ArgumentParser
import Foundation
import MedullaBase
import MedullaControl
import MedullaSnapshot

/// `medulla why [FUNCTION]`.
struct WhyCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "why",
    abstract: "Tell why a function's snapshot was, or was not, replaced, or why a flow was decided so.",
    discussion: """
      Asks the daemon; when none runs, reads what the last one has written down. With --flow the features, \
      the sums and the answer of a recorded decision are told, recomputed by the snapshot that made it; that \
      needs the right to read the daemon's state.
      """)

  @OptionGroup var control: ControlOptions
  @OptionGroup var stored: StateOptions
  @Option(
    help: ArgumentHelp(
      "Of this flow the last recorded decision: its number, or a part of ADDRESS:PORT > ADDRESS:PORT.",
      valueName: "flow"))
  var flow: String?
  @Option(
    help: ArgumentHelp(
      "With --flow: the bundle that decided, where the daemon has not kept it.", valueName: "bundle"))
  var model: String?
  @Flag(help: "Print JSON.")
  var json = false
  @Argument(help: "The function; all of them when left out.")
  var function: String?

  func validate() throws {
    if flow == "" { throw ValidationError("--flow is empty") }
    if model != nil, flow == nil { throw ValidationError("--model goes with --flow") }
  }

  func run() throws {
    if let flow { return try tell(of: flow) }
    let answer: WhyAnswer
    do {
      answer = try control.connect().ask(ControlRequest(.why, function: function), as: WhyAnswer.self)
    } catch let error as ControlError where error.code == .notRunning {
      let archive = try stored.archive(insteadOf: error)
      Narration.tell("no daemon runs at \(control.path); reading \(archive.path)")
      answer = try archive.why(function: function)
    }
    if json { return try StatusOutput.printJSON(answer) }
    if answer.functions.isEmpty { Narration.tell("there is no function") }
    for report in answer.functions { print(report.text) }
  }

  private func tell(of flow: String) throws {
    let records = try DecisionRecords(HistoryArchive(directory: stored.directory), function: function)
    let decision = try records.last(of: flow)
    let file = try model.map { try SnapshotBundle.open($0).file } ?? records.snapshot(of: decision)
    let report = try DecisionReport(decision, by: file)
    if json { return try StatusOutput.printJSON(report) }
    print(report.text)
  }
}
