import ArgumentParser
import MedullaBase
import TestbedExperiments

/// `medulla experiment list`.
struct ExperimentListCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "list", abstract: "List the experiments, and what the paper reports of each.")

  @Flag(help: "Print JSON.")
  var json = false
  @Flag(
    help: """
      List every bound instead: what, how much, whether by the value or the interval, from where, and \
      whether a verdict follows from it.
      """)
  var bounds = false

  private struct Item: Encodable {
    var name: String
    var title: String
    var paper: PaperFigure?
  }

  func run() throws {
    guard !bounds else { return print(Study.boundTable.text) }
    let items = Study.all.map { Item(name: $0.name, title: $0.title, paper: $0.paper) }
    guard !json else { return print(try JSONText.encode(["experiments": items])) }
    print(
      TextTable(
        columns: ["name", "the paper's", "title"],
        rows: items.map { [$0.name, $0.paper?.place ?? "–", $0.title] }, leaning: 3
      ).text)
  }
}
