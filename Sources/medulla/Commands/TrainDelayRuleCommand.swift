import ArgumentParser
import Foundation
import MedullaBase
import MedullaLearning

/// `medulla train delay-rule`: the rule that the experiment `ablation` compares the shipped network with.
struct TrainDelayRuleCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "delay-rule",
    abstract: "Find the gain and the target of a delay rule in the simulator.",
    discussion: """
      action = 10 · tanh(gain / 10 · (target − latency ratio)). Tries each pair of a grid on links of the \
      kinds of the experiment `ablation`, and prints them with the best first; `DelayRule.best` in the \
      sources has it. The same seed gives the same table.
      """)

  @Option(help: "Seed of the noise.")
  var seed: UInt64 = 1
  @Option(help: ArgumentHelp("Rows of the table.", valueName: "n"))
  var rows = 10
  @Flag(help: "Print JSON, all rows.")
  var json = false

  func validate() throws {
    if rows < 1 { throw ValidationError("--rows must be positive.") }
  }

  func run() throws {
    let search = DelayRuleSearch(cases: DelayRuleSearch.cases(seed: seed))
    let found = try search.run { row in
      Narration.tell("gain \(row.gain), target \(row.target): utility \(decimal(row.utility))")
    }
    if json { return print(try JSONText.encode(["rows": found])) }
    let table = TextTable(
      columns: ["gain", "target", "utility", "used", "queue RTT"],
      rows: found.prefix(rows).map { row in
        [
          "\(row.gain)", "\(row.target)", decimal(row.utility), decimal(row.use),
          decimal(row.queueRoundTrips),
        ]
      })
    print(table.text)
  }

  private func decimal(_ value: Double) -> String { String(format: "%.4f", value) }
}
