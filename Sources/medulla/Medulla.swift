import ArgumentParser

@main
struct Medulla: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "medulla",
    abstract: "Neural networks in the network datapath.",
    discussion: """
      A trained network becomes an integer snapshot (compile), runs inside the kernel as a TCP congestion \
      control that any program can select (attach), and is replaced while flows run (update, rollback).
      """,
    version: "0.1.0",
    subcommands: [LinkCommand.self, LinkWorkerCommand.self, ExperimentCommand.self]
  )
}
