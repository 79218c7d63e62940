import ArgumentParser
import Foundation
import MedullaAdaptation
import MedullaBase
import MedullaControl

/// `medulla labels list [FUNCTION]`.
struct LabelsListCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "list", abstract: "Show who gives labels, how often they err, and what they cost.",
    discussion: """
      Asks the daemon. Errors are estimated from flows that several agents have labelled; an agent that is \
      worth nothing is muted, and one that says the opposite is counted so.
      """)

  @OptionGroup var control: ControlOptions
  @Flag(help: "Print JSON.")
  var json = false
  @Argument(help: "The function; all of them when left out.")
  var function: String?

  struct Row: Encodable {
    let function: String
    let agents: [AgentReport]
  }

  func run() throws {
    let report = try control.connect().ask(
      ControlRequest(.status, function: function), as: DaemonReport.self)
    let rows = report.functions.filter { !$0.state.agents.isEmpty }.map {
      Row(function: $0.state.name, agents: $0.state.agents)
    }
    if json { return try StatusOutput.printJSON(rows) }
    guard !rows.isEmpty else {
      let what = function.map { "\($0) has" } ?? "no function has"
      return Narration.tell("\(what) no labeling agents, or none was asked yet")
    }
    for row in rows {
      print(row.function)
      print(Self.table(row.agents).text)
    }
  }

  static func table(_ agents: [AgentReport]) -> TextTable {
    TextTable(
      columns: [
        "agent", "kind", "votes", "errs", "asked", "labels", "abstained", "failures", "calls", "left",
        "cost", "now",
      ],
      rows: agents.map { agent in
        let counts = agent.state.counts
        return [
          agent.name, agent.kind, agent.standing.rawValue,
          agent.errorRate.map { "\(NumberText.short(100 * $0))%" } ?? "-", "\(counts.asked)",
          "\(counts.labels)", "\(counts.abstained)",
          "\(counts.failures + counts.malformed + counts.late)", "\(agent.calls)",
          agent.callsLeft.map { NumberText.short($0.rounded(.down)) } ?? "-",
          NumberText.short(agent.cost), agent.state.words,
        ]
      }, leaning: 3)
  }
}
