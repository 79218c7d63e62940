import ArgumentParser
import Foundation
import MedullaBase
import MedullaControl

/// `medulla why [FUNCTION]`.
struct WhyCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "why",
    abstract: "Tell why a function's snapshot was, or was not, replaced.",
    discussion: "Asks the daemon; when none runs, reads what the last one has written down.")

  @OptionGroup var control: ControlOptions
  @OptionGroup var stored: StateOptions
  @Flag(help: "Print JSON.")
  var json = false
  @Argument(help: "The function; all of them when left out.")
  var function: String?

  func run() throws {
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
}
