import ArgumentParser
import TestbedExperiments

/// `medulla experiment`: measurements that can be repeated, with a result file and a verdict.
struct ExperimentCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "experiment", abstract: "Run a measurement and judge it.",
    discussion: """
      `medulla experiment NAME` runs one of: \(Study.all.map(\.name).joined(separator: ", ")).
      """,
    subcommands: [
      ExperimentRunCommand.self, ExperimentListCommand.self, ExperimentAllCommand.self,
      UnreliableAdapterCommand.self,
    ], defaultSubcommand: ExperimentRunCommand.self)
}
