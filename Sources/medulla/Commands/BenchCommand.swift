import ArgumentParser

/// `medulla bench WHAT`.
struct BenchCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "bench", abstract: "Measure on this machine.",
    subcommands: [BenchInferenceCommand.self, BenchCollectingForward.self, BenchSimulatorCommand.self])
}
