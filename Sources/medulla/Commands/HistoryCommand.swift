import ArgumentParser
import Foundation
import MedullaBase
import MedullaControl

/// `medulla history [FUNCTION]`.
struct HistoryCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "history",
    abstract: "List what the slow path did: batches, rounds, decisions, snapshots.",
    discussion: """
      The newest records, newest last. Asks the daemon; when none runs, reads what the last one has written \
      down.
      """)

  @OptionGroup var control: ControlOptions
  @OptionGroup var stored: StateOptions
  @Option(help: ArgumentHelp("Only records of the last so long, such as 10m.", valueName: "time"))
  var since: String?
  @Option(
    help: ArgumentHelp(
      "Only records of this kind: \(HistoryCommand.kinds); or snapshots, the files that were kept.",
      valueName: "kind"))
  var kind: String?
  @Option(help: ArgumentHelp("At most so many.", valueName: "n"))
  var limit = 50
  @Flag(help: "Print JSON.")
  var json = false
  @Argument(help: "The function; all of them when left out.")
  var function: String?

  static var kinds: String { HistoryAnswer.kinds.joined(separator: ", ") }

  func validate() throws {
    if let kind, kind != "snapshots", !HistoryAnswer.kinds.contains(kind) {
      throw ValidationError("there is no kind \(kind); kinds are \(Self.kinds), snapshots")
    }
    if let since, (try? Quantity.duration(since)) == nil {
      throw ValidationError("--since \(since) is no time; say such as 30s, 10m or 7d")
    }
    guard (1...ControlProtocol.recordLimit).contains(limit) else {
      throw ValidationError("--limit takes 1 to \(ControlProtocol.recordLimit)")
    }
  }

  func run() throws {
    let seconds = since.flatMap { try? Quantity.duration($0) }.map { $0 / .seconds(1) }
    let request = ControlRequest(
      .history, function: function, kind: kind == "snapshots" ? nil : kind, since: seconds, limit: limit)
    let answer: HistoryAnswer
    do {
      answer = try control.connect().ask(request, as: HistoryAnswer.self)
    } catch let error as ControlError where error.code == .notRunning {
      let archive = try stored.archive(insteadOf: error)
      Narration.tell("no daemon runs at \(control.path); reading \(archive.path)")
      answer = try archive.history(request)
    }
    if json { return try StatusOutput.printJSON(answer) }
    let lines = kind == "snapshots" ? answer.snapshotLines : answer.recordLines
    if lines.isEmpty { Narration.tell("nothing is written down that fits") }
    for line in lines { print(line) }
  }
}
